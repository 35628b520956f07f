# Copyright (c) aemim_mm contributors. All rights reserved.
"""A batch of noise that has gone through a config's own data pipeline."""

from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import FUNCTIONS
from mmpretrain.registry import TRANSFORMS

from .image_size import image_size
from .pipeline import pipeline_of

LOADING = ('LoadImageFromFile', 'LoadImageOrSkip')


def synthetic_batch(cfg: Config, batch_size: int, seed: int = 0) -> Any:
    """What the train data loader yields, from random pixels.

    Masks, views and targets that the pipeline makes are there as in training.
    The batch is collated, not yet preprocessed. ValueError if the config has
    no training pipeline.
    """
    transforms = Compose(
        [
            TRANSFORMS.build(transform)
            for transform in pipeline_of(cfg)
            if transform['type'].split('.')[-1] not in LOADING
        ]
    )
    size = image_size(cfg)
    rng = np.random.default_rng(seed)
    shape = (size, size) if channels(cfg) == 1 else (size, size, 3)
    samples = []
    for index in range(batch_size):
        image = rng.integers(0, 256, shape, dtype=np.uint8)
        samples.append(
            transforms(
                dict(
                    img=image,
                    img_shape=image.shape[:2],
                    ori_shape=image.shape[:2],
                    img_path=f'synthetic/{index}',
                    sample_idx=index,
                    gt_label=0,
                )
            )
        )
    loader = cfg.train_dataloader
    collate = (loader.get('collate_fn') or {}).get('type', 'default_collate')
    return FUNCTIONS.get(collate)(samples)


def channels(cfg: Config) -> int:
    """Number of channels of the images: 3 or 1."""
    preprocessor = cfg.model.get('data_preprocessor') or cfg.get(
        'data_preprocessor', {}
    )
    return len(preprocessor.get('mean', (0, 0, 0)))
