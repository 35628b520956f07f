# Copyright (c) aemim_mm contributors. All rights reserved.
"""What a config and a checkpoint say of the schedule."""

from collections.abc import Mapping
from typing import Any

from .differences import plain
from .stored_run import StoredRun

# Of an optimizer wrapper, what the checkpoint restores.
RESTORED = ('optimizer', 'paramwise_cfg', 'constructor')


def by_epoch(train_cfg: Mapping) -> bool:
    """Whether a training loop counts epochs."""
    kind = str(train_cfg.get('type', ''))
    return train_cfg.get('by_epoch', True) and 'IterBased' not in kind


def epoch_length(stored: StoredRun) -> int | None:
    """Iterations of an epoch of the stored run."""
    if 'iterations_per_epoch' in stored.origin:
        return stored.origin['iterations_per_epoch']
    # A checkpoint within an epoch does not tell.
    whole = stored.epoch and not stored.iter % stored.epoch
    return stored.iter // stored.epoch if whole else None


def scheduler_list(schedulers: Any) -> list[Mapping]:
    """The schedulers of one or several optimizers."""
    if isinstance(schedulers, Mapping):
        if 'type' in schedulers:
            return [schedulers]
        return [
            each
            for part in schedulers.values()
            for each in scheduler_list(part)
        ]
    return list(schedulers or ())


def restored_settings(wrapper: Mapping) -> dict[str, Any]:
    """What a checkpoint restores of one or several optimizer wrappers."""
    if 'optimizer' in wrapper:
        return plain({key: wrapper.get(key) for key in RESTORED})
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
