# Copyright (c) aemim_mm contributors. All rights reserved.
from ..openmmlab import require

require('aemim_mm.checkpoints')

from .fit import CheckpointFit, fit_checkpoint
from .safe_file import load_checkpoint_file
from .safe_loader import read_checkpoint, safe_loading, use_safe_loader

__all__ = [
    'CheckpointFit',
    'fit_checkpoint',
    'load_checkpoint_file',
    'read_checkpoint',
    'safe_loading',
    'use_safe_loader',
]
