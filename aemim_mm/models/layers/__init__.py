# Copyright (c) aemim_mm contributors. All rights reserved.
from .attention import UnbindAttention, attend, split_heads
from .block import FlatBlock
from .ffn import DirectFFN

__all__ = [
    'DirectFFN',
    'FlatBlock',
    'UnbindAttention',
    'attend',
    'split_heads',
]
