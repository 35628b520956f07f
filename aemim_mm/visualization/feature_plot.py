# Copyright (c) aemim_mm contributors. All rights reserved.
"""The two main directions of features."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

# More folders than these have one colour.
MOST_COLOURS = 10


def plot_features(names: Sequence[str], features: NDArray) -> Figure:
    """Draw the first two principal components, coloured by folder.

    Args:
        names (Sequence[str]): Paths; the folder of an image is its colour.
        features (np.ndarray): (len(names), N).

    Returns:
        Figure: The figure.

    Raises:
        ValueError: If there are fewer than 3 images.
    """
    if len(features) < 3:
        raise ValueError(
            f'{len(features)} images are too few for two main directions: at '
            'least 3 are needed'
        )
    centred = features.astype(np.float64) - features.mean(0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    points = u[:, :2] * s[:2]
    share = 100 * s**2 / max((s**2).sum(), np.finfo(float).tiny)
    folders = np.array([n.rpartition('/')[0] or '.' for n in names])
    shown = np.unique(folders)
    if len(shown) > MOST_COLOURS:
        folders, shown = np.full_like(folders, 'images'), ['images']
    figure = Figure(figsize=(6, 5), layout='constrained')
    axes = figure.add_subplot()
    for folder in shown:
        x, y = points[folders == folder].T
        axes.scatter(x, y, s=8, label=folder)
    axes.set_xlabel(f'component 1 ({share[0]:.0f} % of the variance)')
    axes.set_ylabel(f'component 2 ({share[1]:.0f} %)')
    if len(shown) > 1:
        axes.legend()
    return figure
