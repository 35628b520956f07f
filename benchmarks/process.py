# Copyright (c) aemim_mm contributors. All rights reserved.
"""The process that a benchmark runs in."""

import os
import platform
import sys

import torch

# glibc gives large blocks back to the system at every step and gets them
# anew, page by page; a ratio of times would measure that.
KEEP_MEMORY = {
    'MALLOC_MMAP_MAX_': '0',
    'MALLOC_TRIM_THRESHOLD_': '100000000000',
}


def keep_memory() -> None:
    """Start this program anew, with an allocator that keeps what it has.

    Does nothing where there is an accelerator, or where that has been done.
    """
    if (
        torch.accelerator.is_available()
        or KEEP_MEMORY.items() <= os.environ.items()
    ):
        return
    # It is read when a process starts.
    os.environ.update(KEEP_MEMORY)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def machine() -> str:
    """Where it runs, in words."""
    device = f'{torch.get_num_threads()} CPU threads, {platform.machine()}'
    if torch.cuda.is_available():
        device = torch.cuda.get_device_name()
    return f'{device}, torch {torch.__version__}'
