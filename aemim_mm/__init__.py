# Copyright (c) aemim_mm contributors. All rights reserved.
"""AEMIM: adversarial examples meet masked image modeling.

Importing the package registers everything it has in mmpretrain's registries;
a config does so with ``custom_imports = dict(imports=['aemim_mm'])``.
"""

from .version import __version__

try:
    from mmpretrain.registry import MODELS
except ImportError as error:
    raise ImportError(
        f'aemim_mm needs mmengine, mmcv and mmpretrain ({error}). They are '
        'not installed with it, since two distributions of them exist: '
        "either `pip install 'aemim_mm[onedl]'` (the maintained one, tested) "
        'or your own build of mmcv and mmpretrain'
    ) from error

from . import (  # noqa: F401
    algorithms,
    backbones,
    datasets,
    engine,
    evaluation,
    heads,
    necks,
)
from .adapters import AdapterBank
from .attacks import FeatureDistancePGD

# These two import torch alone; they are registered from here.
for _cls in (FeatureDistancePGD, AdapterBank):
    MODELS.register_module(module=_cls, force=True)

__all__ = ['__version__']
