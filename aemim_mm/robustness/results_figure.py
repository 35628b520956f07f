# Copyright (c) aemim_mm contributors. All rights reserved.
"""Robustness curves (Figure 3 of the AEMIM paper) from results.json files."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from ..evaluation.robustness_curve import MinimalEpsilons
from ..visualization.robustness_plot import Curve, draw_robustness
from .per_image import file_of_run

# In percent: where all curves are below, the picture ends.
FLOOR = 1.0
NUM_POINTS = 401


def draw_results(
    models: Mapping[str, Mapping], folders: Mapping[str, Path]
) -> Figure | None:
    """Draw the curves of the classifiers that have one.

    Lines are those of the minimal budgets, markers the fixed grid. Without
    the run's file of minimal budgets the grid is the line.

    Args:
        models (Mapping[str, Mapping]): Contents of results.json files, by the
            classifiers' names.
        folders (Mapping[str, Path]): The files' folders, by the same names.

    Returns:
        Figure | None: None if no classifier has a curve.
    """
    grids = {
        name: (grid['eps'], grid['top1'])
        for name, results in models.items()
        if (grid := results.get('curve', {}).get('grid'))
    }
    minimal = {
        name: found
        for name, results in models.items()
        if (found := _minimal(results, folders[name])) is not None
    }
    if not grids and not minimal:
        return None
    steps = {name: _steps(found) for name, found in minimal.items()}
    end = max(map(_end, {**grids, **steps}.values()))
    budgets = np.linspace(0, end, NUM_POINTS)
    lines = {
        name: (budgets, found.curve(budgets))
        for name, found in minimal.items()
    }
    points = {name: grids[name] for name in lines if name in grids}
    names = [name for name in models if name in lines or name in grids]
    return draw_robustness(
        {name: lines.get(name) or grids[name] for name in names},
        points,
        max_epsilon=end,
        title='Accuracy under PGD',
    )


def _minimal(results: Mapping, folder: Path) -> MinimalEpsilons | None:
    """The minimal budgets of a run, if they are there."""
    name = results.get('curve', {}).get('minimal_eps')
    path = name and file_of_run(results, folder / name)
    return None if path is None else MinimalEpsilons.load(path)


def _steps(found: MinimalEpsilons) -> Curve:
    """A curve of minimal budgets, by its steps."""
    finite = found.epsilons[found.epsilons.isfinite()].unique().tolist()
    budgets = [0.0, *finite]
    return budgets, found.curve(budgets)


def _end(curve: Curve) -> float:
    """The smallest budget with next to no accuracy, or the largest."""
    pairs = sorted(zip(*curve, strict=True))
    return next((x for x, y in pairs if y < FLOOR), pairs[-1][0])
