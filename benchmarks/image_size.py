# Copyright (c) aemim_mm contributors. All rights reserved.
"""The image size of a config: what it is, and how to change it."""

from typing import Any

from mmengine.config import Config

# Where the backbone's config does not say.
IMAGE_SIZE = 224


def image_size(cfg: Config) -> int:
    """Width and height of the images: ``img_size`` of the backbone, or 224."""
    size = cfg.model.backbone.get('img_size', IMAGE_SIZE)
    return size if isinstance(size, int) else max(size)


def size_options(cfg: Config, size: int) -> dict[str, Any]:
    """What has to change in MAE with a ViT, or AEMIM over it, for a size.

    Width and height in pixels; ValueError if they are no multiple of the patch
    size. Options as ``merge_from_dict`` takes them.
    """
    patch = cfg.model.backbone.patch_size
    if size % patch:
        raise ValueError(
            f'an image size of {size} is no multiple of the patch size {patch}'
        )
    options = {
        'model.backbone.img_size': size,
        'model.neck.num_patches': (size // patch) ** 2,
    }
    for index, transform in enumerate(cfg.train_dataloader.dataset.pipeline):
        if 'RandomResizedCrop' in transform.type:
            key = f'train_dataloader.dataset.pipeline.{index}.scale'
            options[key] = size
    return options
