# Copyright (c) aemim_mm contributors. All rights reserved.
"""The process that a benchmark runs in."""

import os
import platform
import sys
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.logging import MMLogger
from tqdm import tqdm

from aemim_mm.utils.storage import put_json

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


def progress_bar(total: int) -> tqdm:
    """How many runs are done, and how long the rest takes.

    Its ``update`` counts a run.
    """
    # In a log every update is a line.
    interval = 1 if sys.stderr.isatty() else 10
    return tqdm(total=total, unit='run', mininterval=interval)


def machine() -> str:
    """Where it runs, in words."""
    device = f'{torch.get_num_threads()} CPU threads, {platform.machine()}'
    if torch.cuda.is_available():
        device = torch.cuda.get_device_name()
    return f'{device}, torch {torch.__version__}'


def set_up(threads: int | None) -> None:
    """Prepare this process for training steps.

    ``threads``, of operations on the CPU, is None for torch's own number.
    """
    # mmengine logs every parameter's learning rate.
    MMLogger.get_instance('benchmark', log_level='WARNING')
    if threads is not None:
        torch.set_num_threads(threads)


def write_json(path: str | None, content: Mapping[str, Any]) -> None:
    """Write what was measured; to no file if there is no path."""
    if path is not None:
        put_json(content, path)
