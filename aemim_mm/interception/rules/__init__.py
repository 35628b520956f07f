# Copyright (c) aemim_mm contributors. All rights reserved.
from .base import (
    EncoderRule,
    MaskDraw,
    MethodRule,
)
from .table import (
    ENCODERS,
    METHODS,
    encoder_rule,
    method_rule,
)

__all__ = [
    'ENCODERS',
    'METHODS',
    'EncoderRule',
    'MaskDraw',
    'MethodRule',
    'encoder_rule',
    'method_rule',
]
