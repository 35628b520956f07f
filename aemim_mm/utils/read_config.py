# Copyright (c) aemim_mm contributors. All rights reserved.
"""Read a config of which a base may be one of this package's recipes."""

from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

SCOPE = 'aemim_mm'


def read_config(path: str) -> Config:
    """Read a config file.

    Below a base such as ``'aemim_mm::pretrain/...'`` mmengine writes the name
    of the package into each dict with a type, as the scope in which to look
    the type up. Our parts are registered in the scopes of mmpretrain and
    mmdet: with the name left out, the config is that of the same base by its
    path.

    OSError if a file cannot be opened, ImportError if what it imports is not
    there, ValueError if it is no config for any other reason.
    """
    try:
        cfg = Config.fromfile(path)
    except (OSError, ImportError) as error:
        if isinstance(error, OSError) and error.filename is None:
            raise ValueError(f'{path} cannot be read: {error}') from error
        raise
    except Exception as error:  # whatever the code in it raises
        raise ValueError(
            f'{path} cannot be read: {type(error).__name__}: {error}'
        ) from error
    for value in cfg.values():
        _drop_scope(value)
    return cfg


def merge_options(cfg: Config, options: Mapping[str, Any] | None) -> None:
    """Bring ``--cfg-options``, values by dotted key, into a config, in place.

    ValueError names one for which the config has no place.
    """
    for key, value in (options or {}).items():
        try:
            cfg.merge_from_dict({key: value})
        except (TypeError, KeyError, IndexError, AttributeError) as error:
            reason = error.args[0] if isinstance(error, KeyError) else error
            raise ValueError(
                f'--cfg-options {key}={value!r:.80} does not fit into the '
                f'config: {reason}'
            ) from error


def _drop_scope(value: Any) -> None:
    if isinstance(value, dict):
        if value.get('_scope_') == SCOPE:
            del value['_scope_']
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            _drop_scope(item)
