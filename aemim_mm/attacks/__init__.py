# Copyright (c) aemim_mm contributors. All rights reserved.
from .feature_distance_pgd import FeatureDistancePGD

__all__ = ['FeatureDistancePGD']
