# Copyright (c) aemim_mm contributors. All rights reserved.
"""Which images a picture shows, and in which channel order."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import IterableDataset


def sample_batch(
    dataset: Sequence | IterableDataset,
    num_images: int,
    collate: Callable[[list], dict],
) -> dict:
    """Collate images that are spread evenly over a dataset.

    Datasets are often sorted by class, so the first images would show one
    class only.

    Args:
        dataset (Sequence | IterableDataset): A dataset with its pipeline. Of
            one without an index the first images are taken.
        num_images (int): Number of images, > 0. A smaller dataset gives all
            it has.
        collate (Callable): Turns a list of samples into a batch.

    Returns:
        dict: The batch, as the data preprocessor takes it.

    Raises:
        ValueError: If the dataset is empty.
    """
    size = len(dataset)  # type: ignore[arg-type]
    if size == 0:
        raise ValueError(
            'the dataset is empty, there is no image to draw: check its '
            '`data_root`, `data_prefix` and `ann_file`'
        )
    count = min(num_images, size)
    if isinstance(dataset, IterableDataset):
        return collate(list(islice(dataset, count)))
    return collate([dataset[i * size // count] for i in range(count)])


def converts_channels(preprocessor: nn.Module) -> bool:
    """Whether a data preprocessor reverses the order of three channels.

    It is found out by passing one pixel through it, since the argument is
    called ``to_rgb`` or ``bgr_to_rgb`` and is stored nowhere in public.

    Args:
        preprocessor (nn.Module): A data preprocessor with ``mean`` and
            ``std``.

    Returns:
        bool: Whether red and blue change places.
    """
    mean, std = preprocessor.mean, preprocessor.std
    probe = torch.tensor([0.0, 100.0, 200.0]).view(1, 3, 1, 1)
    out = preprocessor({'inputs': probe, 'data_samples': None})['inputs']
    pixel = out[0, :, :1, :1] * std + mean
    return bool(pixel[0] > pixel[2])


def sees_bgr(preprocessor: nn.Module, data_samples: Any) -> bool:
    """Whether the model is fed images in BGR order.

    The image loaders of OpenMMLab and shards give BGR. Datasets that hold
    their images as arrays (CIFAR, for instance) have no loader, and give RGB.

    Args:
        preprocessor (nn.Module): The model's data preprocessor.
        data_samples (Sequence[DataSample], optional): The samples of the
            batch; those that were loaded have ``img_path``, those of shards
            ``ori_shape``.

    Returns:
        bool: False for one-channel images.
    """
    loaded = bool(data_samples) and all(
        sample is not None and ('img_path' in sample or 'ori_shape' in sample)
        for sample in data_samples
    )
    if not loaded or is_grey(preprocessor):
        return False
    return not converts_channels(preprocessor)


def is_grey(preprocessor: nn.Module) -> bool:
    """Whether the preprocessor normalises one channel only."""
    return preprocessor.mean.numel() == 1


def denormalise(images: Tensor, preprocessor: nn.Module) -> Tensor:
    """Undo the normalisation.

    Args:
        images (Tensor): Normalised images, (B, C, H, W).
        preprocessor (nn.Module): Has ``mean`` and ``std``, (C, 1, 1), in
            0-255 units.

    Returns:
        Tensor: Images in 0-255 pixel values, (B, C, H, W).
    """
    return images * preprocessor.std + preprocessor.mean
