# Copyright (c) aemim_mm contributors. All rights reserved.
"""The training pipeline of a config."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.config import Config

Pipeline = Sequence[Mapping[str, Any]]


def pipeline_of(cfg: Config) -> Pipeline:
    """The training pipeline of a config, of a run or of a data set.

    ValueError if there is none.
    """
    loader = cfg.get('train_dataloader') or {}
    pipeline = (loader.get('dataset') or {}).get('pipeline')
    if pipeline is None:
        raise ValueError(
            f'{cfg.filename} has no train_dataloader.dataset.pipeline: give '
            'a config of pre-training, or of its data set'
        )
    return pipeline
