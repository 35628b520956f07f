# Copyright (c) aemim_mm contributors. All rights reserved.
from .bank import AdapterBank
from .swap import call_swapped

__all__ = ['AdapterBank', 'call_swapped']
