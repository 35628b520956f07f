# Copyright (c) aemim_mm contributors. All rights reserved.
"""The image size of a config: what it is, and how to change it."""

from typing import Any

from mmengine.config import Config

# Where the backbone's config does not say.
IMAGE_SIZE = 224


def image_size(cfg: Config) -> int:
    """Width and height of the images.

    Args:
        cfg (Config): The config.

    Returns:
        int: The backbone's ``img_size``, 224 where it has none.
    """
    size = cfg.model.backbone.get('img_size', IMAGE_SIZE)
    return size if isinstance(size, int) else max(size)


def size_options(cfg: Config, size: int) -> dict[str, Any]:
    """What has to change for images of another size.

    Args:
        cfg (Config): MAE with a ViT, or AEMIM over it.
        size (int): Width and height in pixels.

    Returns:
        dict[str, Any]: Options, as ``merge_from_dict`` takes them.

    Raises:
        ValueError: If it is no multiple of the patch size.
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
