# Copyright (c) aemim_mm contributors. All rights reserved.
"""Accuracy over the attack's budget, for several classifiers."""

from collections.abc import Mapping, Sequence
from itertools import cycle

from matplotlib.figure import Figure

# Budgets on the 0-1 scale, and the accuracy in percent at each.
Curve = tuple[Sequence[float], Sequence[float]]

# Told apart by dashes and markers, too; the colours differ in lightness.
STYLES = (
    ('black', '-', 'o'),
    ('tab:red', '--', 's'),
    ('tab:cyan', '-.', '^'),
    ('tab:purple', ':', 'D'),
    ('tab:olive', (0, (5, 1, 1, 1, 1, 1)), 'v'),
)


def draw_robustness(
    curves: Mapping[str, Curve],
    points: Mapping[str, Curve] | None = None,
    max_epsilon: float | None = None,
    title: str | None = None,
) -> Figure:
    """Draw robustness curves (Figure 3 of the AEMIM paper).

    The budget is on the 0-1 scale below, in pixel values of 255 above.

    Args:
        curves (Mapping[str, Curve]): Lines by the classifier's name: budgets
            on the 0-1 scale and accuracies in percent.
        points (Mapping[str, Curve], optional): Markers without a line, such
            as those of the fixed grid, by the names of ``curves``. Defaults
            to None.
        max_epsilon (float, optional): Right end of the axis. None means the
            largest budget given. Defaults to None.
        title (str, optional): Heading. Defaults to None.

    Returns:
        Figure: Save it with ``figure.savefig(path)``.

    Raises:
        ValueError: If there is no curve, one has other than one accuracy per
            budget, or points belong to no curve.
    """
    points = points or {}
    if not curves:
        raise ValueError('there is no curve to draw')
    if set(points) - set(curves):
        raise ValueError(
            f'points for {sorted(set(points) - set(curves))}, but there are '
            f'curves for {sorted(curves)} alone'
        )
    figure = Figure(
        figsize=(5.2, 3.8), dpi=120, facecolor='white', layout='constrained'
    )
    axis = figure.subplots()
    styles = cycle(STYLES)
    for name, (x, y) in curves.items():
        color, dashes, marker = next(styles)
        axis.plot(x, y, color=color, linestyle=dashes, label=name)
        if name in points:
            axis.plot(
                *points[name],
                color=color,
                linestyle='none',
                marker=marker,
                markersize=4,
                markerfacecolor='white',
                label=f'{name}, fixed grid',
            )
    if max_epsilon is None:
        max_epsilon = max(
            max(x) for x, _ in (*curves.values(), *points.values())
        )
    # A single budget of 0 still needs an axis.
    axis.set_xlim(0, max_epsilon or 1 / 255)
    axis.set_ylim(0, 100)
    axis.set_xlabel('epsilon (pixels from 0 to 1)')
    axis.set_ylabel('Top-1 accuracy under attack (%)')
    axis.secondary_xaxis(
        'top', functions=(lambda e: 255 * e, lambda p: p / 255)
    ).set_xlabel('epsilon (pixels from 0 to 255)', fontsize=8)
    axis.grid(alpha=0.3)
    axis.legend(frameon=False, fontsize=8)
    if title:
        axis.set_title(title, fontsize=10)
    return figure
