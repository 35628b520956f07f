# Copyright (c) aemim_mm contributors. All rights reserved.
from .image_size import RequireImageSize
from .loading import LoadImageOrSkip
from .random_resized_crop import FastRandomResizedCrop

__all__ = ['FastRandomResizedCrop', 'LoadImageOrSkip', 'RequireImageSize']
