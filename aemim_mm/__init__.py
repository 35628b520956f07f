# Copyright (c) aemim_mm contributors. All rights reserved.
"""AEMIM: adversarial examples meet masked image modeling.

Where OpenMMLab is installed, importing the package registers everything it
has in mmpretrain's registries; a config does so with ``custom_imports =
dict(imports=['aemim_mm'])``. :mod:`aemim_mm.core` is the algorithm on torch
alone and needs none of that.
"""

import warnings

from .openmmlab import PACKAGES, how_to_install, missing
from .version import __version__

_missing = missing()
if _missing and not set(_missing) & set(PACKAGES):
    # A config would only say that AEMIMAlgorithm is not registered.
    warnings.warn(
        f'aemim_mm registers nothing: that needs {how_to_install(_missing)}',
        stacklevel=2,
    )
if not _missing:
    from mmpretrain.registry import MODELS

    from . import (  # noqa: F401
        algorithms,
        datasets,
        evaluation,
        hooks,
        models,
        optimizers,
    )
    from .core import (
        AdapterBank,
        FeatureDistancePGD,
        RandomNoise,
        WaveletPGD,
    )
    from .model_index import register_recipes

    # These import torch alone; they are registered from here.
    for _cls in (FeatureDistancePGD, RandomNoise, WaveletPGD, AdapterBank):
        MODELS.register_module(module=_cls, force=True)
    register_recipes()

__all__ = ['__version__']
