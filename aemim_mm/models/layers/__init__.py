# Copyright (c) aemim_mm contributors. All rights reserved.
from .attention import UnbindAttention, attend, split_heads
from .ffn import DirectFFN

__all__ = ['DirectFFN', 'UnbindAttention', 'attend', 'split_heads']
