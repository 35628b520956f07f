# Copyright (c) aemim_mm contributors. All rights reserved.
"""Pictures of the study: losses, robustness curves, the loss ratio."""

from collections.abc import Mapping
from statistics import fmean

from matplotlib.figure import Figure

from ..visualization.robustness_plot import draw_robustness
from .figures import draw_epochs, draw_points, new_figure
from .study import Study
from .study_table import StudyTable


def draw_figures(study: Study, table: StudyTable) -> Mapping[str, Figure]:
    """Counterparts of the paper's Figures 2, 3 and 4.

    Args:
        study (Study): The study.
        table (StudyTable): Its results.

    Returns:
        Mapping[str, Figure]: ``losses``, ``curves`` and ``ratios``, as far as
        there are results.
    """
    drawn = {
        'losses': _losses(table),
        'curves': _curves(study, table),
        'ratios': _ratios(study, table),
    }
    return {name: figure for name, figure in drawn.items() if figure}


def _losses(table: StudyTable) -> Figure | None:
    """Figure 2: of the first seed, by the attack."""
    runs = {}
    for title, run in (
        ('feature distance', 'aemim'),
        ('reconstruction loss', 'reconstruction'),
    ):
        seeds = table.seeds(run, 'pretrain')
        if seeds:
            runs[title] = table.cells[run, seeds[0]]['pretrain']['values']
    return draw_epochs(runs) if runs else None


def _curves(study: Study, table: StudyTable) -> Figure | None:
    """Figure 3: means over seeds."""
    curves = {}
    for run, row in study.group('main').runs.items():
        found = list(table.values(run, 'curve', 'curve').values())
        if found:
            points = zip(*(curve['top1'] for curve in found), strict=True)
            curves[row.name] = (found[0]['eps'], [fmean(p) for p in points])
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
