# Copyright (c) aemim_mm contributors. All rights reserved.
"""ImageNet-C's errors, relative to AlexNet's."""

from collections.abc import Mapping
from math import fsum
from typing import Any

from aemim_mm_cli.choices import CORRUPTIONS, SEVERITIES

from ..utils import near_misses

# Top-1 errors of AlexNet, as a share, the mean of five severities:
# https://github.com/hendrycks/robustness
ALEXNET_ERRORS = {
    'gaussian_noise': 0.886428,
    'shot_noise': 0.894468,
    'impulse_noise': 0.922640,
    'defocus_blur': 0.819880,
    'glass_blur': 0.826268,
    'motion_blur': 0.785948,
    'zoom_blur': 0.798360,
    'snow': 0.866816,
    'frost': 0.826572,
    'fog': 0.819324,
    'brightness': 0.564592,
    'contrast': 0.853204,
    'elastic_transform': 0.646056,
    'pixelate': 0.717840,
    'jpeg_compression': 0.606500,
}


def corruption_scores(
    cells: Mapping[str, Mapping[int, float]], imagenet_1k: bool = True
) -> dict[str, Any]:
    """Corruption errors from the error of every corruption and severity.

    The corruption error (CE) is the ratio of the errors' means over the five
    severities, the model's to AlexNet's; mCE is the mean of the 15 CEs.
    ``mean_error`` is the plain mean of the errors that are there.

    Args:
        cells (Mapping[str, Mapping[int, float]]): Top-1 errors in percent,
            by corruption and severity: ``{'fog': {1: 31.5}}``. Cells may be
            missing.
        imagenet_1k (bool): Whether the errors are over the classes of
            ImageNet-1K. AlexNet's mean nothing for others, and there are no
            CEs then. Defaults to True.

    Returns:
        dict[str, Any]: ``mce`` (percent, None unless all 75 cells are there),
        ``mean_error`` (percent), ``cells`` (how many are there) and
        ``per_corruption``: by name, in ImageNet-C's order, ``error``, five
        numbers in percent (None where a cell is missing), and ``ce``
        (percent, None unless all five are there).

    Raises:
        ValueError: If there are no cells, or one is unknown or not within 0
            to 100.
    """
    for corruption, errors in cells.items():
        _check_errors(corruption, errors)
    table = {
        name: [cells[name].get(severity) for severity in SEVERITIES]
        for name in CORRUPTIONS
        if cells.get(name)
    }
    there = [e for row in table.values() for e in row if e is not None]
    if not there:
        raise ValueError('there is no corruption error without any cell')
    per_corruption = {
        name: dict(error=row, ce=_ce(name, row) if imagenet_1k else None)
        for name, row in table.items()
    }
    ces = [entry['ce'] for entry in per_corruption.values()]
    complete = len(ces) == len(CORRUPTIONS) and None not in ces
    return dict(
        mce=fsum(ces) / len(ces) if complete else None,
        mean_error=fsum(there) / len(there),
        cells=len(there),
        per_corruption=per_corruption,
    )


def robustness_score(
    a: float | None,
    r: float | None,
    sketch: float | None,
    mce: float | None,
) -> float | None:
    """The mean of the accuracies on A, R and Sketch and of 100 - mCE.

    Args:
        a (float, optional): Top-1 accuracy on ImageNet-A in percent.
        r (float, optional): On ImageNet-R.
        sketch (float, optional): On ImageNet-Sketch.
        mce (float, optional): The mCE in percent.

    Returns:
        float or None: The score; None unless all four are there.
    """
    if None in (a, r, sketch, mce):
        return None
    return (a + r + sketch + 100 - mce) / 4


def _ce(name: str, row: list[float | None]) -> float | None:
    if None in row:
        return None
    return fsum(row) / len(row) / ALEXNET_ERRORS[name]


def _check_errors(corruption: str, errors: Mapping[int, float]) -> None:
    if corruption not in ALEXNET_ERRORS:
        raise ValueError(
            f'{corruption!r} is none of the {len(CORRUPTIONS)} corruptions of '
            f'ImageNet-C.{near_misses(corruption, CORRUPTIONS)}'
        )
    for severity, error in errors.items():
        if severity not in SEVERITIES:
            raise ValueError(
                f'{corruption}: severity {severity!r} is not one of 1 to 5'
            )
        if not 0 <= error <= 100:
            raise ValueError(
                f'{corruption}, severity {severity}: the error is {error}, '
                'but must be 0 to 100 percent'
            )
