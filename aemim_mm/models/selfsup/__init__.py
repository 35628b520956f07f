# Copyright (c) aemim_mm contributors. All rights reserved.
from .cim import CIM
from .cim_generator import CIMGenerator

__all__ = ['CIM', 'CIMGenerator']
