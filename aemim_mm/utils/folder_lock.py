# Copyright (c) aemim_mm contributors. All rights reserved.
"""One process at a time works in a folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def folder_lock(folder: Path, message: str = '') -> Iterator[tuple[int, ...]]:
    """Wait for a folder to be free, hold it, and yield what commands inherit.

    A call that was killed may leave a command behind, which has the file
    descriptors and so holds the folder as long as it runs: what comes next
    must not work beside it. Where the file system knows no locks, nothing is
    held. Whoever has to wait prints the message.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if message:
                print(message, flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError:  # some network file systems
            pass
        yield (handle,)
    finally:
        os.close(handle)
