# Copyright (c) aemim_mm contributors. All rights reserved.
from .aemim import AEMIMAlgorithm, AEMIMStep

__all__ = ['AEMIMAlgorithm', 'AEMIMStep']
