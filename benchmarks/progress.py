# Copyright (c) aemim_mm contributors. All rights reserved.
"""How far a benchmark is."""

import sys
import time
from datetime import timedelta

# Seconds between two lines.
INTERVAL = 10.0


class Progress:
    """Writes how many runs are done and how long the rest will take.

    Args:
        total (int): Number of runs.
    """

    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0
        self.start = self.last = time.monotonic()

    def tick(self) -> None:
        """Count a run; write a line to stderr if the last is long ago."""
        self.done += 1
        now = time.monotonic()
        if now - self.last < INTERVAL:
            return
        self.last = now
        rest = (now - self.start) * (self.total / self.done - 1)
        print(
            f'{self.done} of {self.total} runs, ETA '
            f'{timedelta(seconds=round(max(0.0, rest)))}',
            file=sys.stderr,
            flush=True,
        )
