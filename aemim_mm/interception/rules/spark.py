# Copyright (c) aemim_mm contributors. All rights reserved.
"""SparK masks the image itself, and its encoder reads the mask globally."""

from mmpretrain.models.utils.sparse_modules import SparseHelper
from torch import Tensor

from .base import (
    MaskDraw,
    MethodRule,
)


def _remember(drawn: Tensor) -> tuple[Tensor, ...]:
    return (drawn,)


def _replay(remembered: tuple[Tensor, ...], *args, **kwargs) -> Tensor:
    return remembered[0]


def _shown(image: Tensor, active: Tensor) -> Tensor:
    """Zero what is masked in images (R, C, H, W); tell the sparse layers.

    ``active`` are the visible cells, (R, 1, f, f), bool.
    """
    SparseHelper._cur_active = active
    ratio = image.shape[-1] // active.shape[-1]
    return image * active.repeat_interleave(ratio, 2).repeat_interleave(
        ratio, 3
    )


SPARK = MethodRule(draw=MaskDraw('mask', _remember, _replay), shown=_shown)
