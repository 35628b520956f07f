# Copyright (c) aemim_mm contributors. All rights reserved.
"""From which single images are right to the numbers of the tables."""

from collections.abc import Mapping
from math import fsum
from typing import Any

import numpy as np

from aemim_mm_cli.choices import CORRUPTIONS, SEVERITIES
from aemim_mm_cli.imagenet_variants import VARIANTS

from ..evaluation import GRID

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

# For each cell by its name: 1 for an image that is right, 0 for one that is
# wrong, -1 for one that does not count, (N, ).
CorrectByCell = Mapping[str, np.ndarray]


def score_suite(
    correct: CorrectByCell, imagenet_1k: bool = True
) -> dict[str, Any]:
    """The numbers of all parts that were measured.

    Args:
        correct (Mapping[str, np.ndarray]): By the cells' names.
        imagenet_1k (bool): Whether the label space is that of ImageNet-1K.
            Without it there is neither mCE nor score. Defaults to True.

    Returns:
        dict[str, Any]: By the parts' names, and ``score``.
    """
    results: dict[str, Any] = {}
    for variant in VARIANTS:
        for name in (variant, f'{variant}_all_classes'):
            if name in correct:
                results[name] = accuracy(correct[name])
    cells = _below('c', correct)
    if cells:
        results['c'] = _corruption_errors(cells, imagenet_1k)
    for attack in ('fgsm', 'pgd', 'autoattack'):
        budgets = _below(attack, correct)
        if budgets:
            results[attack] = _budgets(budgets)
    grid = _below('curve/grid', correct)
    if grid:
        top1 = [accuracy(grid[f'{epsilon:g}'])['top1'] for epsilon in GRID]
        results['curve'] = dict(
            grid=dict(eps=list(GRID), top1=top1), images=_images_of_each(grid)
        )
    results['score'] = None
    if imagenet_1k:
        four = [results.get(p, {}).get('top1') for p in ('a', 'r', 'sketch')]
        four.append(results.get('c', {}).get('mce'))
        if None not in four:
            a, r, sketch, mce = four
            results['score'] = (a + r + sketch + 100 - mce) / 4
    return results


def accuracy(correct: np.ndarray) -> dict[str, Any]:
    """The share of right images among those that count.

    Args:
        correct (np.ndarray): 1, 0 or -1 for each image, (N, ).

    Returns:
        dict[str, Any]: ``top1`` in percent, and ``images``, how many count.
    """
    images = int((correct >= 0).sum())
    return dict(top1=100 * int((correct == 1).sum()) / images, images=images)


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
            missing, but not all.
        imagenet_1k (bool): Whether the errors are over the classes of
            ImageNet-1K. AlexNet's mean nothing for others, and there are no
            CEs then. Defaults to True.

    Returns:
        dict[str, Any]: ``mce`` (percent, None unless all 75 cells are there),
        ``mean_error`` (percent), ``cells`` (how many are there) and
        ``per_corruption``: by name, in ImageNet-C's order, ``error``, five
        numbers in percent (None where a cell is missing), and ``ce``
        (percent, None unless all five are there).
    """
    table = {
        name: [cells[name].get(severity) for severity in SEVERITIES]
        for name in CORRUPTIONS
        if cells.get(name)
    }
    there = [e for row in table.values() for e in row if e is not None]
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


def _ce(name: str, row: list[float | None]) -> float | None:
    if None in row:
        return None
    return fsum(row) / len(row) / ALEXNET_ERRORS[name]


def _corruption_errors(
    cells: CorrectByCell, imagenet_1k: bool
) -> dict[str, Any]:
    errors: dict[str, dict[int, float]] = {}
    for name, correct in cells.items():
        corruption, severity = name.split('/')
        wrong = 100 * int((correct == 0).sum()) / len(correct)
        errors.setdefault(corruption, {})[int(severity)] = wrong
    # Of one cell, and the smallest where they differ.
    return corruption_scores(errors, imagenet_1k) | dict(
        images=min(len(correct) for correct in cells.values())
    )


def _budgets(budgets: CorrectByCell) -> dict[str, Any]:
    top1 = {name: accuracy(v)['top1'] for name, v in budgets.items()}
    # Over all budgets, 0 included, as in Table 6.
    average = sum(top1.values()) / len(top1)
    return top1 | dict(average=average, images=_images_of_each(budgets))


def _images_of_each(cells: CorrectByCell) -> int:
    (images,) = {len(correct) for correct in cells.values()}
    return images


def _below(prefix: str, correct: CorrectByCell) -> dict[str, np.ndarray]:
    prefix += '/'
    return {
        name.removeprefix(prefix): values
        for name, values in correct.items()
        if name.startswith(prefix)
    }
