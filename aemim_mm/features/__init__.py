# Copyright (c) aemim_mm contributors. All rights reserved.
from ..openmmlab import require

require('aemim_mm.features')

from .encoder import FeatureEncoder, load_encoder
from .extract import Features, extract, save_features

__all__ = [
    'FeatureEncoder',
    'Features',
    'extract',
    'load_encoder',
    'save_features',
]
