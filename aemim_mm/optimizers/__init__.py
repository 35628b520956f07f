# Copyright (c) aemim_mm contributors. All rights reserved.
from ..openmmlab import require

require('aemim_mm.optimizers')

from .det_layer_decay import DetLayerDecayOptimWrapperConstructor

__all__ = ['DetLayerDecayOptimWrapperConstructor']
