# Copyright (c) aemim_mm contributors. All rights reserved.
from .adapter_bank import AdapterBank
from .feature_distance_pgd import FeatureDistancePGD
from .swap import call_swapped, frozen_tensors

__all__ = [
    'AdapterBank',
    'FeatureDistancePGD',
    'call_swapped',
    'frozen_tensors',
]
