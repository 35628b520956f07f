# Copyright (c) aemim_mm contributors. All rights reserved.
"""From which single images are right to the numbers of the tables."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from aemim_mm_cli.imagenet_variants import VARIANTS

from ..evaluation import GRID, corruption_scores, robustness_score

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
        top1 = {
            name: results.get(name, {}).get('top1')
            for name in ('a', 'r', 'sketch')
        }
        mce = results.get('c', {}).get('mce')
        results['score'] = robustness_score(**top1, mce=mce)
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
