# Copyright (c) aemim_mm contributors. All rights reserved.
"""From the verdicts on single images to the numbers of the tables."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..datasets.imagenet_variants_info import VARIANTS
from ..evaluation import GRID, corruption_scores, robustness_score

# For each cell by its name: 1 for an image that is right, 0 for one that is
# wrong, -1 for one that does not count, (N, ).
Verdicts = Mapping[str, np.ndarray]


def score_suite(
    verdicts: Verdicts, imagenet_1k: bool = True
) -> dict[str, Any]:
    """The numbers of all parts that were measured.

    Args:
        verdicts (Mapping[str, np.ndarray]): By the cells' names.
        imagenet_1k (bool): Whether the label space is that of ImageNet-1K.
            Without it there is neither mCE nor score. Defaults to True.

    Returns:
        dict[str, Any]: By the parts' names, and ``score``.
    """
    results: dict[str, Any] = {}
    for variant in VARIANTS:
        for name in (variant, f'{variant}_all_classes'):
            if name in verdicts:
                results[name] = accuracy(verdicts[name])
    cells = _below('c', verdicts)
    if cells:
        results['c'] = _corruptions(cells, imagenet_1k)
    for attack in ('fgsm', 'pgd'):
        budgets = _below(attack, verdicts)
        if budgets:
            results[attack] = _budgets(budgets)
    grid = _below('curve/grid', verdicts)
    if grid:
        top1 = [accuracy(grid[f'{epsilon:g}'])['top1'] for epsilon in GRID]
        results['curve'] = dict(
            grid=dict(eps=list(GRID), top1=top1), images=_images(grid)
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


def accuracy(verdicts: np.ndarray) -> dict[str, Any]:
    """The share of right images among those that count.

    Args:
        verdicts (np.ndarray): 1, 0 or -1 for each image, (N, ).

    Returns:
        dict[str, Any]: ``top1`` in percent, and ``images``, how many count.
    """
    images = int((verdicts >= 0).sum())
    return dict(top1=100 * int((verdicts == 1).sum()) / images, images=images)


def _corruptions(cells: Verdicts, imagenet_1k: bool) -> dict[str, Any]:
    errors: dict[str, dict[int, float]] = {}
    for name, verdicts in cells.items():
        corruption, severity = name.split('/')
        wrong = 100 * int((verdicts == 0).sum()) / len(verdicts)
        errors.setdefault(corruption, {})[int(severity)] = wrong
    # Of one cell, and the smallest where they differ.
    return corruption_scores(errors, imagenet_1k) | dict(
        images=min(len(verdicts) for verdicts in cells.values())
    )


def _budgets(budgets: Verdicts) -> dict[str, Any]:
    top1 = {name: accuracy(v)['top1'] for name, v in budgets.items()}
    # Over all budgets, 0 included, as in Table 6.
    average = sum(top1.values()) / len(top1)
    return top1 | dict(average=average, images=_images(budgets))


def _images(cells: Verdicts) -> int:
    (images,) = {len(verdicts) for verdicts in cells.values()}
    return images


def _below(prefix: str, verdicts: Verdicts) -> dict[str, np.ndarray]:
    prefix += '/'
    return {
        name.removeprefix(prefix): values
        for name, values in verdicts.items()
        if name.startswith(prefix)
    }
