# Copyright (c) aemim_mm contributors. All rights reserved.
"""How pixels are normalised, as a config or a checkpoint says it."""

import json
from collections.abc import Mapping
from typing import Any

# ImageNet's, in 0-255 units: what MAE and SimMIM normalise with.
IMAGENET = dict(
    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True
)
# Names of one thing in the preprocessors of mmpretrain and mmdet.
_SWAPS = ('to_rgb', 'bgr_to_rgb', 'rgb_to_bgr')


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


def _normalization(pixels: Any) -> dict[str, Any]:
    if not isinstance(pixels, Mapping):
        return {}
    if not isinstance(pixels.get('mean'), list | tuple):
        return {}
    told = {k: pixels[k] for k in ('mean', 'std') if k in pixels}
    # mmpretrain's default: images stay BGR.
    return dict(told, to_rgb=swaps_channels(pixels))
