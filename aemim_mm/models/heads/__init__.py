# Copyright (c) aemim_mm contributors. All rights reserved.
from .cim_head import CIMHead
from .mae_masked_head import MAEMaskedHead

__all__ = ['CIMHead', 'MAEMaskedHead']
