# Copyright (c) aemim_mm contributors. All rights reserved.
from .loading import LoadImageOrSkip

__all__ = ['LoadImageOrSkip']
