# Copyright (c) aemim_mm contributors. All rights reserved.
"""What a config says of its loop, its schedule and its optimizer."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..utils import type_name
from .differences import plain

# Of an optimizer wrapper, what the checkpoint restores.
RESTORED = ('optimizer', 'paramwise_cfg', 'constructor')
CONSTRUCTOR = 'DefaultOptimWrapperConstructor'


def counts_epochs(train_cfg: Mapping) -> bool:
    """Whether a training loop counts epochs, not iterations."""
    kind = type_name(train_cfg.get('type', ''))
    return train_cfg.get('by_epoch', True) and 'IterBased' not in kind


def schedulers(cfg: Mapping) -> Iterator[tuple[str, Mapping]]:
    """Places and configs of the schedulers of one or several optimizers."""
    section = cfg.get('param_scheduler') or ()
    if isinstance(section, Mapping) and 'type' in section:
        yield 'param_scheduler', section
        return
    lists = section if isinstance(section, Mapping) else {'': section}
    for name, items in lists.items():
        path = f'param_scheduler.{name}' if name else 'param_scheduler'
        for index, item in enumerate(items or ()):
            if isinstance(item, Mapping):
                yield f'{path}.{index}', item


def restored_settings(wrapper: Mapping) -> dict[str, Any]:
    """What a checkpoint restores of one or several optimizer wrappers."""
    if 'optimizer' in wrapper:
        settings = {key: wrapper.get(key) for key in RESTORED}
        settings['constructor'] = settings['constructor'] or CONSTRUCTOR
        return plain(settings)
    return {
        name: restored_settings(child)
        for name, child in wrapper.items()
        if isinstance(child, Mapping)
    }


def learning_rate_factor(cfg: Mapping, processes: int) -> float:
    """The factor by which mmengine scales the learning rates."""
    scale = cfg.get('auto_scale_lr') or {}
    batch = (cfg.get('train_dataloader') or {}).get('batch_size')
    if not scale.get('enable') or batch is None:
        return 1.0
    return batch * processes / scale['base_batch_size']


def batch_of(cfg: Mapping, processes: int | str) -> str:
    """Batch size and number of processes, as a text."""
    batch = (cfg.get('train_dataloader') or {}).get('batch_size')
    return f'train_dataloader.batch_size={batch}, processes: {processes}'
