# Copyright (c) aemim_mm contributors. All rights reserved.
from ..openmmlab import require

require('aemim_mm.algorithms')

from .aemim import AEMIMAlgorithm, AEMIMStep

__all__ = ['AEMIMAlgorithm', 'AEMIMStep']
