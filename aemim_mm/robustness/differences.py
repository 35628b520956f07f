# Copyright (c) aemim_mm contributors. All rights reserved.
"""Numbers of one classifier, and their differences to another's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isclose

import numpy as np

from ..utils.markdown import ABSENT, number
from .columns import Column
from .intervals import Proportion, Z, paired, standard_error, unpaired, wilson
from .per_image import PerImageResults

# Marks a difference whose interval contains 0.
INSIDE = '~'
# Marks one that was not compared image by image.
UNPAIRED = 'u'


@dataclass(frozen=True)
class ClassifierResults:
    """A classifier with its results.

    Attributes:
        name (str): What to call it.
        results (Mapping): Content of its results.json.
        per_image (Mapping[str, PerImageResults]): Results of single images,
            by the cells' names. May be incomplete. Defaults to {}.
    """

    name: str
    results: Mapping
    per_image: Mapping[str, PerImageResults] = field(default_factory=dict)

    def describe(self, column: Column) -> str:
        """A number with its interval.

        Args:
            column (Column): Which number.

        Returns:
            str: Such as ``'83.8 (82.8 to 84.8)'``, in percent.
        """
        value = column.value(self.results)
        if value is None:
            return ABSENT
        return f'{number(value)} ({self.interval(column)})'

    def interval(self, column: Column) -> str:
        """The interval of 95 % of a number.

        Args:
            column (Column): Which number.

        Returns:
            str: Such as ``'82.8 to 84.8'``, in percent.
        """
        value = column.value(self.results)
        if value is None:
            return ABSENT
        groups = column.groups(self.results)
        if len(groups) == len(groups[0]) == 1:
            low, high = wilson(value, groups[0][0].images)
        else:
            half = Z * standard_error(groups)
            low, high = value - half, value + half
            if isclose(sum(p.weight for g in groups for p in g), 1):
                # A mean of shares; mCE and the score have other limits.
                low, high = max(0.0, low), min(100.0, high)
        return f'{number(low)} to {number(high)}'


@dataclass(frozen=True)
class Difference:
    """A difference of two classifiers, in percentage points.

    Attributes:
        value (float): The difference.
        low (float): Lower end of its interval.
        high (float): Upper end of its interval.
        paired (bool): Whether it was compared image by image.
    """

    value: float
    low: float
    high: float
    paired: bool

    @property
    def inside(self) -> bool:
        """Whether the interval contains 0."""
        return self.low <= 0 <= self.high

    def __str__(self) -> str:
        words = [f'{self.value:+.1f} ({self.low:+.1f} to {self.high:+.1f})']
        words += [INSIDE] * self.inside + [UNPAIRED] * (not self.paired)
        return ' '.join(words)


def difference(
    column: Column, first: ClassifierResults, second: ClassifierResults
) -> Difference | None:
    """The difference second - first of one number.

    Args:
        column (Column): Which number.
        first (ClassifierResults): One classifier.
        second (ClassifierResults): The other.

    Returns:
        Difference | None: Paired where the single images' results of both are
        there and of the same images. None where one has no such number, or
        they are sums of different shares.
    """
    values = [column.value(model.results) for model in (first, second)]
    if None in values:
        return None
    groups = [column.groups(model.results) for model in (first, second)]
    cells = [[[p.cell for p in group] for group in g] for g in groups]
    if cells[0] != cells[1]:
        return None
    by_image = _by_image(groups[0], first, second)
    interval = unpaired(*groups) if by_image is None else paired(*by_image)
    return Difference(
        values[1] - values[0], *interval, paired=by_image is not None
    )


def _by_image(
    groups: Sequence[Sequence[Proportion]],
    first: ClassifierResults,
    second: ClassifierResults,
) -> tuple[list[np.ndarray], list[float]] | None:
    """Weighted differences of every image, and the largest possible ones."""
    differences, bounds = [], []
    for group in groups:
        total, images = 0.0, None
        for share in group:
            before = first.per_image.get(share.cell)
            after = second.per_image.get(share.cell)
            if before is None or after is None:
                return None
            images = images or before
            if not all(map(images.same_images, (before, after))):
                return None
            # Cells of corruptions count errors.
            sign = -1 if share.cell.startswith('c/') else 1
            change = after.correct - before.correct
            total = total + sign * share.weight * change
        differences.append(total[images.correct >= 0])
        bounds.append(sum(abs(share.weight) for share in group))
    return differences, bounds
