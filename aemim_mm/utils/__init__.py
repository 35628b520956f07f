# Copyright (c) aemim_mm contributors. All rights reserved.
from aemim_mm_cli.cfg_options import CfgOptions

from .near_misses import near_misses, similar
from .pretrained_cfgs import pretrained_cfgs
from .signatures import allowed_keys, own_keys
from .type_name import type_name

__all__ = [
    'CfgOptions',
    'allowed_keys',
    'near_misses',
    'own_keys',
    'pretrained_cfgs',
    'similar',
    'type_name',
]
