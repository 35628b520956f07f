# Copyright (c) aemim_mm contributors. All rights reserved.
from ..openmmlab import require

require('aemim_mm.datasets')

from .image_files import ImageFiles
from .imagenet_variant import ImageNetVariant
from .named_folders import NamedFolders
from .seeding import seed_generators, seed_worker
from .timm_dataset import TimmImages, TimmStream, timm_dataset
from .transforms import (
    FastRandomResizedCrop,
    FitToEncoder,
    LoadImageOrSkip,
    RequireImageSize,
)

__all__ = [
    'FastRandomResizedCrop',
    'FitToEncoder',
    'ImageFiles',
    'ImageNetVariant',
    'LoadImageOrSkip',
    'NamedFolders',
    'RequireImageSize',
    'TimmImages',
    'TimmStream',
    'seed_generators',
    'seed_worker',
    'timm_dataset',
]
