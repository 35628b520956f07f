# Copyright (c) aemim_mm contributors. All rights reserved.
from .image_size import RequireImageSize
from .loading import LoadImageOrSkip

__all__ = ['LoadImageOrSkip', 'RequireImageSize']
