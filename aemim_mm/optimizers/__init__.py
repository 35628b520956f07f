# Copyright (c) aemim_mm contributors. All rights reserved.
from ..openmmlab import require

require('aemim_mm.optimizers')

from .det_layer_decay import DetLayerDecayOptimWrapperConstructor
from .merged_adamw import MergedAdamW
from .whole_run_cosine_lr import WholeRunCosineLR

__all__ = [
    'DetLayerDecayOptimWrapperConstructor',
    'MergedAdamW',
    'WholeRunCosineLR',
]
