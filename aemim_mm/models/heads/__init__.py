# Copyright (c) aemim_mm contributors. All rights reserved.
from .mae_masked_head import MAEMaskedHead

__all__ = ['MAEMaskedHead']
