# Copyright (c) aemim_mm contributors. All rights reserved.
"""A pipeline with other decoders and resizers."""

import mmcv

from aemim_mm.datasets.transforms.random_resized_crop import INTERPOLATIONS

from ..pipeline import Pipeline

OURS = 'aemim_mm'
# Those of mmcv for JPEG; tifffile reads TIFF.
DECODERS = ('cv2', 'pillow', 'turbojpeg')


def variants_of(pipeline: Pipeline) -> dict[str, Pipeline]:
    """The pipeline, and what it could be with one thing changed, by name.

    The pipeline itself comes first; what it must be, see
    :func:`~benchmarks.loader_speed.recipe.recipe_of`.
    """
    load, crop, *rest = (dict(step) for step in pipeline)
    decoder = load.get('imdecode_backend', 'cv2')
    fast = dict(crop, type='FastRandomResizedCrop')
    fast.setdefault('interpolation', 'bilinear')
    resizer = crop.get(
        'backend',
        'pillow' if crop['type'] == 'FastRandomResizedCrop' else 'cv2',
    )
    found = {OURS: pipeline}
    for name in DECODERS:
        if name != decoder and can_decode(name):
            loading = dict(load, imdecode_backend=name)
            found[f'{OURS}, decoded by {name}'] = [loading, crop, *rest]
    for name, interpolations in INTERPOLATIONS.items():
        if name != resizer and fast['interpolation'] in interpolations:
            resizing = dict(fast, backend=name)
            found[f'{OURS}, resized by {name}'] = [load, resizing, *rest]
    if crop['type'] == 'FastRandomResizedCrop':
        stock = dict(
            fast,
            type='RandomResizedCrop',
            backend='cv2' if resizer == 'cv2' else 'pillow',
        )
        found[f'{OURS}, stock RandomResizedCrop'] = [load, stock, *rest]
    return found


def can_decode(backend: str) -> bool:
    """Whether mmcv has what it needs for a decoder; makes turbojpeg ready."""
    before = mmcv.image.io.imread_backend
    try:
        # turbojpeg is loaded here and only here.
        mmcv.use_backend(backend)
    except (ImportError, RuntimeError, OSError):
        return False
    finally:
        # mmcv keeps the name of one that it could not load.
        mmcv.use_backend(before)
    return True
