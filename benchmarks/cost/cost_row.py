# Copyright (c) aemim_mm contributors. All rights reserved.
"""What a config costs, as a row of a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aemim_mm.utils.markdown import (
    ABSENT,
    number,
)


@dataclass(frozen=True)
class CostRow:
    """A config's cost, alone and relative to the base.

    What is None was not measured, unless a comment says more.
    """

    name: str  # of the config
    seconds: float  # a step, median
    images_per_second: float  # batch size by seconds
    ratio: float  # step to the base's step, median over rounds
    # ratio times this config's epochs by those of the base: the paper's
    # relative pre-training time. None where a config does not say its epochs.
    whole_run: float | None
    # ratio of the floors by counted operations; None where the step or the
    # base's has not those parts
    floor_operations: float | None
    floor_times: float | None  # the same by measured times of the parts
    attack_share: float | None  # share of the attack in the step
    peak_bytes: int | None  # peak memory
    peak_ratio: float | None  # to the base's
    parts_operations: Mapping[str, float] | None  # the parts in operations
    parts_seconds: Mapping[str, float] | None  # the parts in seconds
    step_seconds: Sequence[float]  # every round
    # seconds by kind of operation
    kinds_seconds: Mapping[str, float] | None = None

    def cells(self) -> list[str]:
        """The row's cells under :data:`HEADER`."""
        share, peak = self.attack_share, self.peak_bytes
        return [
            f'{self.seconds:.3f}',
            f'{self.images_per_second:.1f}',
            number(self.ratio, 2),
            number(self.whole_run, 2),
            number(self.floor_operations, 2),
            number(self.floor_times, 2),
            ABSENT if share is None else f'{100 * share:.0f} %',
            ABSENT if peak is None else f'{peak / 1e9:.2f}',
            number(self.peak_ratio, 2),
        ]

    def kinds(self, base: 'CostRow') -> list[str]:
        """Time by kind of operation, in percent of the base's profiled step.

        A cell per kind; their sum is this step's. Both rows have
        ``kinds_seconds``.
        """
        whole = sum(base.kinds_seconds.values())
        return [
            number(100 * seconds / whole)
            for seconds in self.kinds_seconds.values()
        ]


HEADER = [
    's / step',
    'images / s',
    'ratio',
    'whole run',
    'floor, operations',
    'floor, times',
    'attack',
    'peak, GB',
    'ratio',
]
