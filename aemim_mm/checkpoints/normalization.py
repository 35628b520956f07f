# Copyright (c) aemim_mm contributors. All rights reserved.
"""How pixels are normalised, as a config or a checkpoint says it."""

import json
from collections.abc import Mapping
from typing import Any

from .config_text import parse_config

# ImageNet's, in 0-255 units: what MAE and SimMIM normalise with.
IMAGENET = dict(
    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True
)
# Names of one thing in the preprocessors of mmpretrain and mmdet.
_SWAPS = ('to_rgb', 'bgr_to_rgb', 'rgb_to_bgr')
# In 0-255 units: published constants are rounded in different ways.
TOLERANCE = 0.5


def swaps_channels(pixels: Mapping[str, Any]) -> bool:
    """Whether the model gets RGB from loaders that give BGR.

    A data preprocessor has several names for that.
    """
    return any(pixels.get(name) for name in _SWAPS)


def config_normalization(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a whole config says of the pixels.

    ``mean`` and ``std`` in 0-255 units, and ``to_rgb``. Empty if it does not
    say.
    """
    name, model = 'data_preprocessor', config.get('model')
    inner = model.get(name) if isinstance(model, Mapping) else None
    return _normalization(inner or config.get(name))


def stored_normalization(meta: Mapping[str, Any]) -> dict[str, Any]:
    """What the metadata of an exported or imported file say of the pixels.

    As :func:`config_normalization`.
    """
    found = meta.get('normalization')
    # of .safetensors
    return _normalization(
        json.loads(found) if isinstance(found, str) else found
    )


def told_normalization(meta: Any) -> dict[str, Any]:
    """What the metadata of a checkpoint of any kind say of the pixels.

    As :func:`config_normalization`.
    """
    try:
        return stored_normalization(meta) or config_normalization(
            parse_config(meta['cfg'])
        )
    # It does not say.
    except (AttributeError, KeyError, TypeError, ValueError):
        return {}


def other_pixels(
    then: Mapping[str, Any], config: Mapping[str, Any]
) -> str | None:
    """How a config normalises pixels in another way than its weights know.

    Not the order of channels: it is that of the loader, too.

    Args:
        then (Mapping): What the weights were trained with.
        config (Mapping): The whole config.

    Returns:
        str | None: What differs, and the options that make it alike. None if
        nothing does, of what both say.
    """
    now = config_normalization(config)
    names = ('mean', 'std')
    changes = [k for k in names if _differ(then.get(k), now.get(k))]
    if not changes:
        return None
    inside = (config.get('model') or {}).get('data_preprocessor') is not None
    place = 'model.data_preprocessor' if inside else 'data_preprocessor'
    options = ' '.join(f'{place}.{k}={_short(then[k])}' for k in changes)
    return (
        f'was trained on pixels with {_listed(then)}, but the config has '
        f'{_listed(now)}. For the former, pass --cfg-options {options}'
    )


def _differ(theirs: Any, ours: Any) -> bool:
    if not all(isinstance(v, list | tuple) for v in (theirs, ours)):
        return False
    return len(ours) != len(theirs) or any(
        abs(a - b) > TOLERANCE for a, b in zip(ours, theirs, strict=True)
    )


def _listed(pixels: Mapping[str, Any]) -> str:
    return ', '.join(
        f'{k}={_short(pixels[k])}' for k in ('mean', 'std') if k in pixels
    )


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f'[{",".join(f"{number:g}" for number in value)}]'
    return str(value)


def _normalization(pixels: Any) -> dict[str, Any]:
    if not isinstance(pixels, Mapping):
        return {}
    if not isinstance(pixels.get('mean'), list | tuple):
        return {}
    told = {k: pixels[k] for k in ('mean', 'std') if k in pixels}
    # mmpretrain's default: images stay BGR.
    return dict(told, to_rgb=swaps_channels(pixels))
