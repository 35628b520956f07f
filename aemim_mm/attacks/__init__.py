# Copyright (c) aemim_mm contributors. All rights reserved.
from ..core.feature_distance_pgd import FeatureDistancePGD
from ..core.random_noise import RandomNoise
from ..core.wavelet_pgd import WaveletPGD
from .auto_attack import AutoAttack
from .fgsm import fgsm
from .indexed import Attack, FGSMAttack, PGDAttack
from .noise import image_noise
from .pgd import pgd
from .precision import full_precision

__all__ = [
    'Attack',
    'AutoAttack',
    'FGSMAttack',
    'FeatureDistancePGD',
    'PGDAttack',
    'RandomNoise',
    'WaveletPGD',
    'fgsm',
    'full_precision',
    'image_noise',
    'pgd',
]
