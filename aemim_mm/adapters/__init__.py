# Copyright (c) aemim_mm contributors. All rights reserved.
from .bank import AdapterBank
from .swap import call_swapped, frozen_tensors

__all__ = ['AdapterBank', 'call_swapped', 'frozen_tensors']
