# Copyright (c) aemim_mm contributors. All rights reserved.
from .checkpoint import load_checkpoint_file
from .checkpoint_fit import CheckpointFit, fit_checkpoint
from .checkpoint_schemes import use_safe_loader
from .hooks import (
    AtomicCheckpointHook,
    CheckpointFitHook,
    EpochSeedHook,
    NonFiniteLossHook,
    RecipeInfoHook,
    ReconstructionHook,
)
from .optimizers import DetLayerDecayOptimWrapperConstructor
from .storage import AtomicLocalBackend

# From here on mmengine, too, executes nothing that a checkpoint holds.
use_safe_loader()

__all__ = [
    'AtomicCheckpointHook',
    'AtomicLocalBackend',
    'CheckpointFit',
    'CheckpointFitHook',
    'DetLayerDecayOptimWrapperConstructor',
    'EpochSeedHook',
    'NonFiniteLossHook',
    'RecipeInfoHook',
    'ReconstructionHook',
    'fit_checkpoint',
    'load_checkpoint_file',
    'use_safe_loader',
]
