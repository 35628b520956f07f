# Copyright (c) aemim_mm contributors. All rights reserved.
"""Drawing rows of images with Matplotlib, without its global state."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from .reconstruction import ImageRows

DPI = 120
MIN_CELL = 1.0  # inches; small images are enlarged to this
LABEL_WIDTH = 2.0  # inches
GAP = 0.05  # share of a cell


def draw_rows(rows: ImageRows, title: str | None = None) -> Figure:
    """Draw rows of images with their labels on the left.

    Args:
        rows (ImageRows): What :func:`reconstruct` returns.
        title (str, optional): Heading. Defaults to None.

    Returns:
        Figure: Save it with ``figure.savefig(path)``.
    """
    names = list(rows.images)
    count, _, height, width = rows.images[names[0]].shape
    cell_w = max(MIN_CELL, width / DPI)
    cell_h = cell_w * height / width
    head = 0.4 if title else 0.08
    total_w = LABEL_WIDTH + count * cell_w + 0.08
    total_h = head + len(names) * cell_h + 0.08
    figure = Figure(figsize=(total_w, total_h), dpi=DPI, facecolor='white')
    FigureCanvasAgg(figure)
    axes = figure.subplots(
        len(names),
        count,
        squeeze=False,
        gridspec_kw=dict(
            left=LABEL_WIDTH / total_w,
            right=1 - 0.08 / total_w,
            top=1 - head / total_h,
            bottom=0.08 / total_h,
            wspace=GAP,
            hspace=GAP,
        ),
    )
    for row, name in zip(axes, names, strict=True):
        for axis, image in zip(row, rows.images[name], strict=True):
            axis.imshow(
                to_uint8(image),
                cmap='gray',
                vmin=0,
                vmax=255,
                interpolation='nearest',
            )
            axis.set_axis_off()
        row[0].text(
            -0.08,
            0.5,
            rows.labels[name],
            transform=row[0].transAxes,
            ha='right',
            va='center',
            fontsize=9,
        )
    if title:
        figure.text(
            0.5, 1 - 0.12 / total_h, title, ha='center', va='top', fontsize=11
        )
    return figure


def to_uint8(image: Tensor) -> np.ndarray:
    """Round and clip one image for the screen.

    Args:
        image (Tensor): 0-255 pixel values, (C, H, W), C = 1 or 3.

    Returns:
        np.ndarray: uint8, (H, W) or (H, W, 3).
    """
    pixels = image.round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
    return pixels[..., 0] if pixels.shape[-1] == 1 else pixels
