# Copyright (c) aemim_mm contributors. All rights reserved.
"""AEMIM on torch alone: the step, the attack, and the two sets of adapters."""

from .adapter_bank import AdapterBank
from .batch_subset import BatchSubset
from .deferred_gradients import DeferredGradients
from .encoder_call import EncoderCall
from .feature_distance_pgd import FeatureDistancePGD
from .mask_replay import MaskDraw, remembered_mask, repeated_mask
from .random_noise import RandomNoise
from .step import AEMIMStep, aemim_step
from .swap import AdapterSwap, call_swapped
from .wavelet_pgd import WaveletPGD

__all__ = [
    'AEMIMStep',
    'AdapterBank',
    'AdapterSwap',
    'BatchSubset',
    'DeferredGradients',
    'EncoderCall',
    'FeatureDistancePGD',
    'MaskDraw',
    'RandomNoise',
    'WaveletPGD',
    'aemim_step',
    'call_swapped',
    'remembered_mask',
    'repeated_mask',
]
