# Copyright (c) aemim_mm contributors. All rights reserved.
from .fit_to_encoder import FitToEncoder
from .image_size import RequireImageSize
from .loading import LoadImageOrSkip
from .random_resized_crop import FastRandomResizedCrop

__all__ = [
    'FastRandomResizedCrop',
    'FitToEncoder',
    'LoadImageOrSkip',
    'RequireImageSize',
]
