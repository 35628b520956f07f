# Copyright (c) aemim_mm contributors. All rights reserved.
from .feature_distance_pgd import FeatureDistancePGD
from .fgsm import fgsm

__all__ = ['FeatureDistancePGD', 'fgsm']
