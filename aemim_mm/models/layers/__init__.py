# Copyright (c) aemim_mm contributors. All rights reserved.
from .attention import (
    UnbindAttention,
    attend,
    split_heads,
)

__all__ = ['UnbindAttention', 'attend', 'split_heads']
