# Copyright (c) aemim_mm contributors. All rights reserved.
"""Pictures of the study: losses, accuracy under attack, the loss ratio."""

from collections.abc import Mapping
from itertools import cycle
from math import nan
from statistics import fmean, stdev

from matplotlib.figure import Figure

from ..visualization.robustness_plot import STYLES, draw_robustness
from .figures import draw_epochs, draw_points, new_figure
from .study import Study
from .study_table import StudyTable


def draw_figures(study: Study, table: StudyTable) -> Mapping[str, Figure]:
    """Counterparts of the paper's Figures 2, 3 and 4.

    ``losses``, ``attacks``, ``curves`` and ``ratios``, as far as there are
    results.
    """
    drawn = {
        'losses': _losses(table),
        'attacks': _attacks(study, table),
        'curves': _curves(study, table),
        'ratios': _ratios(study, table),
    }
    return {name: figure for name, figure in drawn.items() if figure}


def _losses(table: StudyTable) -> Figure | None:
    """Figure 2: of the first seed that both rows have, by the attack."""
    runs = {
        'feature distance': 'aemim',
        'reconstruction loss': 'reconstruction',
    }
    seeds = [set(table.seeds(run, 'pretrain')) for run in runs.values()]
    for seed in sorted(set.intersection(*seeds)):
        return draw_epochs(
            {
                title: table.cells[run, seed]['pretrain']['values']
                for title, run in runs.items()
            }
        )
    return None


def _attacks(study: Study, table: StudyTable) -> Figure | None:
    """PGD-20: means and deviations over seeds."""
    rows = {}
    for run in study.compared:
        found = {
            int(name.split()[-1]): list(table.measured(run, measure).values())
            for name, measure in study.budgets.items()
            if name.startswith('PGD-20')
        }
        if all(found.values()):
            rows[study.group('main').runs[run].name] = found
    if not rows:
        return None
    figure = new_figure(4.8)
    axis = figure.subplots()
    for (name, found), style in zip(rows.items(), cycle(STYLES), strict=False):
        color, dashes, marker = style
        axis.errorbar(
            list(found),
            [fmean(values) for values in found.values()],
            # One seed has no deviation, which is not a deviation of 0.
            yerr=[
                stdev(values) if len(values) > 1 else nan
                for values in found.values()
            ],
            label=f'{name} (n {min(map(len, found.values()))})',
            color=color,
            linestyle=dashes,
            marker=marker,
            markersize=4,
            capsize=3,
        )
    axis.set_xlabel('epsilon (pixels from 0 to 255)')
    axis.set_ylabel('Top-1 accuracy under PGD-20 (%)')
    axis.grid(alpha=0.3)
    axis.legend(frameon=False, fontsize=8)
    return figure


def _curves(study: Study, table: StudyTable) -> Figure | None:
    """Figure 3: means over seeds."""
    curves = {}
    for run in study.compared:
        found = list(table.values(run, 'curve', 'curve').values())
        if found:
            points = zip(*(curve['top1'] for curve in found), strict=True)
            name = study.group('main').runs[run].name
            name = f'{name} (n {len(found)})'
            curves[name] = (found[0]['eps'], [fmean(p) for p in points])
    return draw_robustness(curves, {}) if curves else None


def _ratios(study: Study, table: StudyTable) -> Figure | None:
    """Figure 4: one seed."""
    measure = study.measures['all labels']
    group = study.group('ablations')
    rows = {0.5: 'aemim'}
    for run in group.runs:
        if run.startswith('lambda'):
            rows[int(run.removeprefix('lambda')) / 10] = run
    points = []
    for ratio, run in sorted(rows.items()):
        found = table.measured(run, measure)
        if group.seeds[0] in found:
            points.append((ratio, found[group.seeds[0]], 0.0))
    if len(points) < 2:
        return None
    return draw_points(new_figure(4.8), points, 'one seed')
