# Copyright (c) aemim_mm contributors. All rights reserved.
"""Options of a recipe that set several keys at once, by one short name."""

from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

from .initial_weights import initial_weights


def expand_shortcuts(
    cfg: Config, options: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Replace short names of ``--cfg-options`` by the keys they stand for.

    A recipe states its short names under ``shortcuts``::

        shortcuts = dict(
            NAME=dict(
                sets=['key.of.the.config', ...],
                also={'key': value},
                scales=['key', ...],
            )
        )

    ``NAME=VALUE`` gives VALUE to all of ``sets``; ``also`` are other defaults
    that come with it, over which every option goes. So does every option over
    ``scales``, whole numbers that keep their ratio to the first of ``sets``.
    The value of ``init`` is one of :func:`initial_weights`: FileNotFoundError
    if the weights cannot be had, ValueError if they cannot be used.

    Returns the options without short names; the config is not changed.
    """
    shortcuts = cfg.get('shortcuts', None) or {}
    options = dict(options or {})
    defaults: dict[str, Any] = {}
    values: dict[str, Any] = {}
    scaled: list[tuple[str, str]] = []
    for name in [name for name in options if name in shortcuts]:
        value = options.pop(name)
        if name == 'init':
            value = initial_weights(str(value))
        defaults.update(shortcuts[name].get('also', {}))
        values.update(dict.fromkeys(shortcuts[name]['sets'], value))
        scaled += [(key, name) for key in shortcuts[name].get('scales', ())]
    recipe = cfg.copy()
    recipe.merge_from_dict(defaults)
    for key, name in scaled:
        length = shortcuts[name]['sets'][0]
        if isinstance(values[length], int):
            ratio = values[length] / _value(recipe, length)
            # Something of the run is left, of one epoch all.
            share = max(1, round(_value(recipe, key) * ratio))
            defaults[key] = min(share, max(0, values[length] - 1))
    return {**defaults, **values, **options}


def _value(cfg: Any, key: str) -> Any:
    for part in key.split('.'):
        cfg = cfg[int(part)] if isinstance(cfg, list) else cfg[part]
    return cfg
