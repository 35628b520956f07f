# Copyright (c) aemim_mm contributors. All rights reserved.
"""What the demos have in common: announced phases, and tools that they run."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


class Clock:
    """Announces phases and measures them.

    Attributes:
        seconds (dict[str, float]): How long each finished phase took.

    Args:
        name (str): Of the demo.
        phases (Sequence[str]): The phases' titles, in their order.
    """

    def __init__(self, name: str, phases: Sequence[str]) -> None:
        self.name = name
        self.phases = tuple(phases)
        self.start = time.perf_counter()
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, title: str) -> Iterator[None]:
        """One phase.

        Args:
            title (str): One of the titles.
        """
        begin = time.perf_counter()
        number = f'{self.phases.index(title) + 1}/{len(self.phases)}'
        print(
            f'\n[{self.name} {number}, at {minutes(begin - self.start)}] '
            f'{title}',
            flush=True,
        )
        yield
        self.seconds[title] = time.perf_counter() - begin


def minutes(seconds: float) -> str:
    """Write a time.

    Args:
        seconds (float): The time.

    Returns:
        str: Such as '2:05 min'.
    """
    return f'{int(seconds) // 60}:{int(seconds) % 60:02d} min'


def run_tool(path: Path, *args: object) -> None:
    """Run a script as a user would, its output straight through.

    Args:
        path (Path): The script, ``.../tools/<name>.py``. It runs in the
            folder that holds ``tools``.
        *args (object): Its arguments.

    Raises:
        RuntimeError: If it fails.
    """
    command = [sys.executable, path, *args]
    done = subprocess.run([str(part) for part in command], cwd=path.parents[1])
    if done.returncode:
        raise RuntimeError(
            f'tools/{path.name} failed with exit status {done.returncode}: '
            'see its output above'
        )
