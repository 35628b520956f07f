# Copyright (c) aemim_mm contributors. All rights reserved.
from .curves import draw_curves, epoch_means, read_scalars
from .html_report import build_report
from .images import sample_batch
from .isolation import isolated
from .reconstruction import ImageRows, reconstruct
from .robustness_plot import draw_robustness
from .rows_figure import draw_rows

__all__ = [
    'ImageRows',
    'build_report',
    'draw_curves',
    'draw_robustness',
    'draw_rows',
    'epoch_means',
    'isolated',
    'read_scalars',
    'reconstruct',
    'sample_batch',
]
