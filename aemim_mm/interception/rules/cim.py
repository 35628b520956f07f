# Copyright (c) aemim_mm contributors. All rights reserved.
"""CIM shows its encoder an image that its generator has corrupted.

The generator runs once in a step. The second pass repeats its losses as
constants: L_a can be compared with L_c, and nothing flows back twice.
"""

from torch import Tensor

from .base import MaskDraw, MethodRule


def _remember(drawn: tuple[Tensor, Tensor]) -> tuple[Tensor, ...]:
    return tuple(tensor.detach() for tensor in drawn)


def _replay(remembered: tuple[Tensor, ...], *args, **kwargs):
    return remembered


CIM = MethodRule(
    draw=MaskDraw('corrupt', _remember, _replay),
    apart=('generator',),
    own_image=True,
)
