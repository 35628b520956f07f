# Copyright (c) aemim_mm contributors. All rights reserved.
"""The process that a benchmark runs in."""

import argparse
import os
import platform
import sys

import torch

from aemim_mm.launcher.launch import has_accelerator

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
    if has_accelerator() or KEEP_MEMORY.items() <= os.environ.items():
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


def require_positive(
    parser: argparse.ArgumentParser, args: argparse.Namespace, *names: str
) -> None:
    """Refuse options that are 0 or less.

    Args:
        parser (argparse.ArgumentParser): Ends the program with the message.
        args (argparse.Namespace): The options.
        *names (str): Which are checked: numbers, or lists of them.
    """
    for name in names:
        value = getattr(args, name)
        values = value if isinstance(value, list) else [value]
        if any(v <= 0 for v in values):
            option = f'--{name.replace("_", "-")}'
            parser.error(f'{option} must be above 0, but got {value}')
