# Copyright (c) aemim_mm contributors. All rights reserved.
from .seeding import seed_generators, seed_worker
from .transforms import LoadImageOrSkip

__all__ = ['LoadImageOrSkip', 'seed_generators', 'seed_worker']
