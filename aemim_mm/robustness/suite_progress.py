# Copyright (c) aemim_mm contributors. All rights reserved.
"""How far a run is, and when it will end."""

import time
from datetime import timedelta

from mmengine.logging import print_log

from .cells import Cell

# Seconds between two lines of the log.
INTERVAL = 30.0
# Probes of the search for minimal budgets, mostly: the first and all
# bisections.
_PROBES = 11


def cost(cell: Cell, images: int) -> int:
    """The work of a cell, in forward passes of an image.

    A forward and a backward pass to the image count 2.

    Args:
        cell (Cell): The cell.
        images (int): Number of its images.

    Returns:
        int: The estimate.
    """
    if cell.attack is None or cell.epsilon == 0:
        return images
    per_image = 2 * getattr(cell.attack, 'num_steps', 1) + 1
    if cell.epsilon is None:
        per_image = _PROBES * per_image + 1
    return images * (per_image + cell.skip_misclassified)


class SuiteProgress:
    """Writes how much of the work is done and how long the rest will take.

    Args:
        total (float): All work that is to be done, in any unit.
    """

    def __init__(self, total: float) -> None:
        self.total = total
        self.done = 0.0
        self.start = self.last = time.monotonic()

    def update(self, work: float, what: str) -> None:
        """Count work, and write a line if the last one is long ago.

        Args:
            work (float): What was done since the last call.
            what (str): What it was part of.
        """
        self.done += work
        if time.monotonic() - self.last >= INTERVAL:
            self.write(what)

    def write(self, what: str) -> None:
        """Write a line to the log.

        Args:
            what (str): Its beginning.
        """
        self.last = time.monotonic()
        share = min(1.0, self.done / self.total)
        elapsed = self.last - self.start
        eta = '?'
        if share > 0:
            rest = elapsed * (1 - share) / share
            eta = str(timedelta(seconds=round(rest)))
        print_log(
            f'{what} - {100 * share:.1f} % of the work, elapsed '
            f'{timedelta(seconds=round(elapsed))}, ETA {eta}',
            logger='current',
        )
