# Copyright (c) aemim_mm contributors. All rights reserved.
"""The speed of the pipelines, as rows of a table."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from ..timing import median_ratio
from .pixels import PixelDifference


@dataclass(frozen=True)
class SpeedRow:
    """The speed of a pipeline."""

    name: str
    images_per_second: float  # all images by the median of the rounds
    # speed to that of the best pipeline of another library; above 1 is faster.
    # The median of the rounds' ratios.
    ratio: float
    difference: PixelDifference  # to the pixels of torchvision on PIL
    seconds: Sequence[float]  # every round

    def cells(self) -> list[str]:
        """The row's cells under :data:`HEADER`."""
        return [
            self.name,
            f'{self.images_per_second:.0f}',
            f'{self.ratio:.2f}',
            f'{self.difference.largest}',
            f'{100 * self.difference.share:.1f} %',
            f'{100 * self.difference.share_above_1:.3f} %',
        ]


def best_of(
    seconds: Mapping[str, Sequence[float]], names: Collection[str]
) -> str:
    """Which of some pipelines is the fastest: the one of the smallest median.

    Rounds are by name; ``names`` are those that count.
    """
    return min(names, key=lambda name: median(seconds[name]))


def rows_of(
    seconds: Mapping[str, Sequence[float]],
    differences: Mapping[str, PixelDifference],
    images: int,
    best: str,
) -> list[SpeedRow]:
    """Make the rows, in the order of ``seconds``.

    ``best`` is the pipeline that the ratios are to, ``images`` are loaded in
    each round.
    """
    return [
        SpeedRow(
            name=name,
            images_per_second=images / median(rounds),
            ratio=median_ratio(seconds[best], rounds),
            difference=differences[name],
            seconds=list(rounds),
        )
        for name, rounds in seconds.items()
    ]


HEADER = (
    'pipeline',
    'images / s',
    'ratio',
    'largest difference',
    'values that differ',
    'by more than 1',
)
