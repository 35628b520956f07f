# Copyright (c) aemim_mm contributors. All rights reserved.
"""Figures 2, 3 and 4 from what was measured."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..robustness.results_figure import draw_results
from ..visualization.curves import epoch_means, read_scalars
from .manifest import Table
from .outcomes import Outcomes


def draw_losses(table: Table, outcomes: Outcomes) -> Figure | None:
    """Figure 2: losses of clean and adversarial images, by the attack.

    The rows are runs with different attacks. None if no run is finished.
    """
    runs = {}
    for row in table.rows:
        for folder in outcomes.folders(row, 'pretrain')[:1]:
            with suppress(FileNotFoundError):  # a checkpoint without its log
                scalars = read_scalars(folder / 'pretrain')
                runs[row.method] = epoch_means(scalars)
    return draw_epochs(runs) if runs else None


def draw_epochs(runs: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Losses of clean and adversarial images over epochs.

    ``runs`` has, by what the attack goes up, ``epoch``, ``recon_clean`` and
    ``recon_adv``: a panel for each.
    """
    figure = new_figure(4.8 * len(runs))
    axes = figure.subplots(1, len(runs), squeeze=False, sharey=True)[0]
    for axis, (method, means) in zip(axes, runs.items(), strict=True):
        for key, label, style in (
            ('recon_clean', 'clean images', '-'),
            ('recon_adv', 'adversarial examples', '--'),
        ):
            # A few epochs are points, too.
            marker = 'o' if len(means['epoch']) <= 40 else None
            axis.plot(
                means['epoch'],
                means[key],
                style,
                marker=marker,
                markersize=3,
                label=label,
            )
        axis.set_title(f'attack on the {method}', fontsize=10)
        axis.set_xlabel('epoch')
        axis.xaxis.get_major_locator().set_params(integer=True)
        _finish(axis)
    axes[0].set_ylabel('reconstruction loss')
    return figure


def draw_robustness_curves(table: Table, outcomes: Outcomes) -> Figure | None:
    """Figure 3: accuracy over the budget of PGD, of the first seed.

    The rows are models. None if no model is evaluated.
    """
    folders: dict[str, Path] = {}
    for row in table.rows:
        found = outcomes.folders(row, 'curve')
        # Rows may stand for one run in a small preset.
        if found and found[0] / 'curve' not in folders.values():
            folders[row.name] = found[0] / 'curve'
    if not folders:
        return None
    results = {
        name: json.loads((folder / 'results.json').read_text())
        for name, folder in folders.items()
    }
    return draw_results(results, folders)


def draw_loss_ratios(table: Table, outcomes: Outcomes) -> Figure | None:
    """Figure 4: accuracy over lambda, mean and deviation over seeds.

    The rows are loss ratios. None if no model is evaluated.
    """
    column = table.columns[0]
    points = [
        (float(row.method.split()[-1]), value)
        for row in table.rows
        if (value := outcomes.value(table, row, column)).measured is not None
    ]
    if not points:
        return None
    seeds = max(value.n for _, value in points)
    return draw_points(
        new_figure(4.8),
        [(ratio, v.measured or 0.0, v.std or 0.0) for ratio, v in points],
        f'mean of {seeds} seed(s)',
    )


def draw_points(
    figure: Figure, points: Sequence[tuple[float, float, float]], label: str
) -> Figure:
    """Draw points of loss ratio, accuracy (%) and its deviation."""
    axis = figure.subplots()
    ratios, accuracies, deviations = zip(*points, strict=True)
    axis.errorbar(
        ratios, accuracies, yerr=deviations, marker='o', capsize=3, label=label
    )
    axis.set_xlabel('loss ratio lambda')
    axis.set_ylabel('top-1 accuracy (%)')
    _finish(axis)
    return figure


FIGURES: dict[str, Callable[[Table, Outcomes], Figure | None]] = {
    'figure2': draw_losses,
    'figure3': draw_robustness_curves,
    'figure4': draw_loss_ratios,
}


def new_figure(width: float) -> Figure:
    """An empty figure, of a width in inches."""
    return Figure(
        figsize=(width, 3.4),
        dpi=120,
        facecolor='white',
        layout='constrained',
    )


def _finish(axis: Axes) -> None:
    axis.grid(alpha=0.3)
    axis.spines[['top', 'right']].set_visible(False)
    axis.legend(frameon=False, fontsize=8)
