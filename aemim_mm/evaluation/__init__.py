# Copyright (c) aemim_mm contributors. All rights reserved.
from ..openmmlab import require

require('aemim_mm.evaluation')

from .frozen_encoder import POOLINGS, FrozenEncoder
from .knn_head import KNNHead
from .minimal_epsilon import minimal_epsilons
from .pixel_batches import PixelBatch, pixel_batches
from .pixel_classifier import PixelClassifier
from .robust_accuracy import RobustAccuracy, robust_accuracy
from .robustness_curve import GRID, MinimalEpsilons

__all__ = [
    'FrozenEncoder',
    'GRID',
    'KNNHead',
    'MinimalEpsilons',
    'POOLINGS',
    'PixelBatch',
    'PixelClassifier',
    'RobustAccuracy',
    'minimal_epsilons',
    'pixel_batches',
    'robust_accuracy',
]
