# Copyright (c) aemim_mm contributors. All rights reserved.
from collections.abc import Iterator, Mapping
from typing import Any

from .type_name import type_name


def pretrained_cfgs(module: Any) -> Iterator[Mapping]:
    """Each ``init_cfg`` by which a module starts from a checkpoint.

    Those of type ``Pretrained``.
    """
    cfgs = getattr(module, 'init_cfg', None) or []
    for cfg in [cfgs] if isinstance(cfgs, Mapping) else cfgs:
        if type_name(cfg.get('type')) in ('Pretrained', 'PretrainedInit'):
            yield cfg
