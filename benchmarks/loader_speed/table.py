# Copyright (c) aemim_mm contributors. All rights reserved.
"""What was measured, as rows of a table."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from ..cost.timing import median_ratio
from .pixels import Difference


@dataclass(frozen=True)
class Row:
    """The speed of a pipeline.

    Attributes:
        name (str): Of the pipeline.
        images_per_second (float): All images by the median of the rounds.
        ratio (float): Speed to that of the best pipeline of another library;
            above 1 is faster. The median of the rounds' ratios.
        difference (Difference): To the pixels of torchvision on PIL.
        seconds (list[float]): Every round.
    """

    name: str
    images_per_second: float
    ratio: float
    difference: Difference
    seconds: Sequence[float]

    def as_json(self) -> dict[str, Any]:
        """The row as JSON can hold it."""
        return asdict(self)


def best_of(
    seconds: Mapping[str, Sequence[float]], names: Collection[str]
) -> str:
    """Which of some pipelines is the fastest.

    Args:
        seconds (Mapping[str, Sequence[float]]): Rounds, by name.
        names (Collection[str]): Those that count.

    Returns:
        str: The one with the smallest median.
    """
    return min(names, key=lambda name: median(seconds[name]))


def rows_of(
    seconds: Mapping[str, Sequence[float]],
    differences: Mapping[str, Difference],
    images: int,
    best: str,
) -> list[Row]:
    """Make the rows.

    Args:
        seconds (Mapping[str, Sequence[float]]): Rounds, by name.
        differences (Mapping[str, Difference]): By name.
        images (int): Loaded in each round.
        best (str): The pipeline that the ratios are to.

    Returns:
        list[Row]: In the order of ``seconds``.
    """
    return [
        Row(
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


def cells_of(row: Row) -> list[str]:
    """A row as text.

    Args:
        row (Row): The row.

    Returns:
        list[str]: A cell for each of ``HEADER``.
    """
    return [
        row.name,
        f'{row.images_per_second:.0f}',
        f'{row.ratio:.2f}',
        f'{row.difference.largest}',
        f'{100 * row.difference.share:.1f} %',
        f'{100 * row.difference.share_above_1:.3f} %',
    ]
