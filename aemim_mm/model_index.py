# Copyright (c) aemim_mm contributors. All rights reserved.
"""The recipes' names, for mmengine's ``_base_`` and mmpretrain's models."""

from functools import cache
from pathlib import Path

from mmengine.config.utils import MODULE2PACKAGE
from mmpretrain.apis import ModelHub

MIM = Path(__file__).resolve().parent / '.mim'


@cache
def register_recipes() -> None:
    """Let other libraries find the recipes.

    A config may then begin with ``_base_ = 'aemim_mm::pretrain/...'``, and
    ``mmpretrain.list_models('*aemim*')`` names those of
    ``configs/pretrain/metafile.yml``.
    """
    MODULE2PACKAGE['aemim_mm'] = 'aemim_mm'
    ModelHub.register_model_index(MIM / 'model-index.yml', config_prefix=MIM)
