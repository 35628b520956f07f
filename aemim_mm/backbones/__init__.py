# Copyright (c) aemim_mm contributors. All rights reserved.
from .dual_norm_vit import DualNormViT

__all__ = ['DualNormViT']
