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

    Attributes:
        name (str): Of the config.
        seconds (float): A step, median.
        images_per_second (float): Batch size by ``seconds``.
        ratio (float): Step to the base's step, median over rounds.
        whole_run (float, optional): ``ratio`` times this config's epochs by
            those of the base: the paper's relative pre-training time. None
            where a config does not say its epochs.
        floor_operations (float, optional): Ratio of the floors by counted
            operations; None where the step or the base's has not those parts.
        floor_times (float, optional): The same by measured times of the
            parts; None if not measured.
        attack_share (float, optional): Share of the attack in the step;
            likewise.
        peak_bytes (int, optional): Peak memory; likewise.
        peak_ratio (float, optional): To the base's; likewise.
        parts_operations (Mapping, optional): The parts in operations;
            likewise.
        parts_seconds (Mapping, optional): The parts in seconds; likewise.
        step_seconds (Sequence[float]): Every round.
        kinds_seconds (Mapping, optional): Seconds by kind of operation;
            likewise.
    """

    name: str
    seconds: float
    images_per_second: float
    ratio: float
    whole_run: float | None
    floor_operations: float | None
    floor_times: float | None
    attack_share: float | None
    peak_bytes: int | None
    peak_ratio: float | None
    parts_operations: Mapping[str, float] | None
    parts_seconds: Mapping[str, float] | None
    step_seconds: Sequence[float]
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

        Args:
            base (CostRow): The base. Both rows have ``kinds_seconds``.

        Returns:
            list[str]: A cell per kind; their sum is this step's.
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
