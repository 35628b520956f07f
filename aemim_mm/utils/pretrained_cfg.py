# Copyright (c) aemim_mm contributors. All rights reserved.
from collections.abc import Mapping
from typing import Any

from .type_name import type_name


def pretrained_cfg(module: Any) -> Mapping | None:
    """The ``init_cfg`` of a module by which it starts from a checkpoint.

    That of type ``Pretrained``; None if there is none.
    """
    cfgs = getattr(module, 'init_cfg', None) or []
    for cfg in [cfgs] if isinstance(cfgs, Mapping) else cfgs:
        if type_name(cfg.get('type')) in ('Pretrained', 'PretrainedInit'):
            return cfg
    return None
