# Copyright (c) aemim_mm contributors. All rights reserved.
"""What kind of value stands where, before anything else looks into it."""

from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.config import Config

_LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
_MAPPINGS = {
    *('model', 'model.backbone', 'data_preprocessor', *_LOADERS),
    *(f'{loader}.dataset' for loader in _LOADERS),
    *(f'{loader}.sampler' for loader in _LOADERS),
    *('train_cfg', 'val_cfg', 'test_cfg', 'auto_scale_lr', 'default_hooks'),
    *('optim_wrapper', 'optim_wrapper.optimizer', 'optim_wrapper.clip_grad'),
    *('randomness', 'env_cfg', 'log_processor', 'visualizer'),
}
# Of dicts with a type.
_LISTS = {
    'custom_hooks',
    *(f'{loader}.dataset.pipeline' for loader in _LOADERS),
}
_TEXTS = {
    *('load_from', 'work_dir'),
    *(f'{loader}.dataset.data_root' for loader in _LOADERS),
}
# What a config file can hold besides dicts, classes and functions.
_PLAIN = (str, int, float, list, tuple)


def check_nesting(cfg: Config) -> None:
    """Compare the kinds of the values of sections with what is built of them.

    None, and objects that are no plain values, are left to who reads them.
    TypeError, which names the key, if a section is no dict, a list of parts is
    none, or a path no text. ValueError if there is no model, or a part of a
    list has no type.
    """
    if cfg.get('model', None) is None:
        raise ValueError(
            f'{cfg.filename or "the config"} has no model: it is no recipe'
        )
    for key, value in _values(cfg):
        wanted = ''
        if key in _MAPPINGS and isinstance(value, _PLAIN):
            wanted = "a dict, such as dict(type='...')"
        elif key in _LISTS and isinstance(value, str | int | float | Mapping):
            wanted = "a list of dicts, such as [dict(type='...')]"
        elif key in _TEXTS and isinstance(value, int | float | list | tuple):
            wanted = 'a path'
        if wanted:
            raise TypeError(f'{key}={value!r:.100} must be {wanted}.')
        if key in _LISTS:
            for index, part in enumerate(value or ()):
                _check_part(f'{key}.{index}', part)


def _check_part(key: str, part: object) -> None:
    if isinstance(part, _PLAIN):
        raise TypeError(
            f"{key}={part!r:.100} must be a dict, such as dict(type='...')."
        )
    if isinstance(part, Mapping) and not part.get('type'):
        raise ValueError(f'{key} has no type: {dict(part)!r:.100}')


def _values(cfg: Config) -> Iterator[tuple[str, Any]]:
    """Key and value of all that is looked at, outer parts first."""
    for key in sorted((*_MAPPINGS, *_LISTS, *_TEXTS), key=len):
        value: Any = cfg
        for name in key.split('.'):
            if not isinstance(value, Mapping | Config):
                value = None
                break
            value = value.get(name, None)
        yield key, value
