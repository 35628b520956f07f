# Copyright (c) aemim_mm contributors. All rights reserved.
"""Numbers of the study: means over seeds, and paired differences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from .study import StudyMeasure
from .study_results import COST_FILE, read_result


@dataclass(frozen=True)
class Difference:
    """A paired difference between two rows."""

    mean: float  # over the seeds that both rows have
    # half of the 95 % confidence interval, by Student's t over seeds. None
    # below two of them.
    half: float | None
    n: int  # number of such seeds

    @property
    def excludes_zero(self) -> bool:
        """Whether 0 lies outside of the interval."""
        return self.half is not None and abs(self.mean) > self.half

    def plain(self, digits: int = 2) -> str:
        """Such as ``'+1.00 +- 0.25 (n 3)'``."""
        half = '' if self.half is None else f' +- {self.half:.{digits}f}'
        return f'{self.mean:+.{digits}f}{half} (n {self.n})'

    def text(self, digits: int = 2) -> str:
        """Such as ``'+1.00 +- 0.25 (n 3) *'``, * where 0 is excluded."""
        return self.plain(digits) + (' *' if self.excludes_zero else '')


class StudyTable:
    """All results of a study, from a folder with ``<run>/seed<n>.json``."""

    def __init__(self, folder: Path) -> None:
        path = folder / COST_FILE
        self.cost = read_result(path) if path.is_file() else {}
        self.cells: dict[tuple[str, int], dict[str, Any]] = {}
        for path in sorted(folder.glob('*/seed*.json')):
            content = read_result(path)
            key = content['run'], content['seed']
            self.cells[key] = content['steps']

    def seeds(self, run: str, step: str) -> list[int]:
        """Seeds of a row in which a step is finished."""
        return sorted(
            seed
            for (name, seed), steps in self.cells.items()
            if name == run and step in steps
        )

    def values(self, run: str, step: str, key: str) -> dict[int, Any]:
        """A value of a row by seed; the key may have parts, joined by dots."""
        found = {}
        for seed in self.seeds(run, step):
            value = self.cells[run, seed][step]['values']
            for part in key.split('.'):
                value = value.get(part) if isinstance(value, Mapping) else None
            if value is not None:
                found[seed] = value
        return found

    def measured(self, run: str, measure: StudyMeasure) -> dict[int, float]:
        """The values of a column, by seed."""
        return self.values(run, measure.step, measure.key)

    def last(self, run: str, key: str) -> dict[int, float]:
        """A loss in the last epoch of pre-training, by seed."""
        found = self.values(run, 'pretrain', key)
        return {seed: values[-1] for seed, values in found.items()}

    def difference(
        self, run: str, base: str, measure: StudyMeasure
    ) -> Difference | None:
        """A row minus another one, seed by seed.

        None if they share no seed.
        """
        return difference(
            self.measured(run, measure), self.measured(base, measure)
        )


def difference(
    own: Mapping[int, float], other: Mapping[int, float]
) -> Difference | None:
    """Paired difference of values by seed. None if they share no seed."""
    return paired([own[seed] - other[seed] for seed in own if seed in other])


def paired(differences: Sequence[float]) -> Difference | None:
    """Mean and 95 % confidence interval of differences, one for each seed.

    None if there are none.
    """
    n = len(differences)
    if n == 0:
        return None
    half = None
    if n > 1:
        # With the extras of detection or robustness, not with the core.
        from scipy.stats import t

        half = float(t.ppf(0.975, n - 1)) * stdev(differences) / sqrt(n)
    return Difference(fmean(differences), half, n)


def mean_text(values: Sequence[float]) -> str:
    """Such as ``'81.20 +- 0.31 (n 3)'``, mean and deviation; '-' for none."""
    if not values:
        return '-'
    spread = f' +- {stdev(values):.2f}' if len(values) > 1 else ''
    return f'{fmean(values):.2f}{spread} (n {len(values)})'
