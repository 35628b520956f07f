# Copyright (c) aemim_mm contributors. All rights reserved.
from .dual_norm_vit import DualNormViT
from .resizable_beit import ResizableBEiT
from .resizable_swin import ResizableSwin

__all__ = ['DualNormViT', 'ResizableBEiT', 'ResizableSwin']
