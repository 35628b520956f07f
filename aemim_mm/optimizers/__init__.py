# Copyright (c) aemim_mm contributors. All rights reserved.
from .det_layer_decay import DetLayerDecayOptimWrapperConstructor

__all__ = ['DetLayerDecayOptimWrapperConstructor']
