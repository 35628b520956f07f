# Copyright (c) aemim_mm contributors. All rights reserved.
"""Data loaders of three libraries for the same files and the same recipe."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.runner import Runner
from torch import Tensor
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.io import ImageReadMode, decode_image
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms import transforms as v1

from ..pipeline import Pipeline
from .recipe import Recipe


@dataclass(frozen=True)
class LoaderSettings:
    """What all loaders have in common."""

    folder: Path  # with one folder of images per class
    batch_size: int  # images per batch
    num_workers: int  # processes; 0 loads in this one

    @property
    def workers_stay(self) -> bool:
        """Whether there are workers, which then serve every round."""
        return self.num_workers > 0


def ours(
    settings: LoaderSettings, cfg: Config, pipeline: Pipeline
) -> DataLoader:
    """The loader that mmengine's Runner builds in training.

    Collating and seeding are those of the config; it yields ``dict(inputs=...,
    data_samples=...)``.
    """
    loader = cfg.train_dataloader
    config = dict(
        batch_size=settings.batch_size,
        num_workers=settings.num_workers,
        persistent_workers=settings.workers_stay,
        sampler=dict(type='DefaultSampler', shuffle=True),
        collate_fn=dict(loader.get('collate_fn', {'type': 'default_collate'})),
        dataset=dict(
            type='CustomDataset',
            data_root=str(settings.folder),
            pipeline=[dict(step) for step in pipeline],
        ),
    )
    if 'worker_init_fn' in loader:
        config['worker_init_fn'] = dict(loader.worker_init_fn)
    return Runner.build_dataloader(config, seed=0)


def torchvision_pil(settings: LoaderSettings, recipe: Recipe) -> DataLoader:
    """Torchvision's folder, PIL loader and transforms, then uint8 tensors.

    MAE's own code, but for ``ToTensor`` and ``Normalize``, which would make it
    slower: in all loaders here that is left to the device. Images and labels,
    as in all loaders but ours.
    """
    transform = v1.Compose(
        [
            v1.RandomResizedCrop(
                recipe.size,
                recipe.scale,
                recipe.ratio,
                InterpolationMode(recipe.interpolation),
            ),
            v1.RandomHorizontalFlip(recipe.flip),
            v1.PILToTensor(),
        ]
    )
    return _loader(ImageFolder(settings.folder, transform), settings)


def torchvision_tensors(
    settings: LoaderSettings, recipe: Recipe
) -> DataLoader:
    """Torchvision's JPEG decoder and its transforms of uint8 tensors.

    Not the pixels of PIL: see
    :func:`~benchmarks.loader_speed.pixels.compare_pixels`.
    """
    transform = v2.Compose(
        [
            v2.RandomResizedCrop(
                recipe.size,
                recipe.scale,
                recipe.ratio,
                InterpolationMode(recipe.interpolation),
                antialias=True,
            ),
            v2.RandomHorizontalFlip(recipe.flip),
        ]
    )
    folder = ImageFolder(settings.folder, transform, loader=read_tensor)
    return _loader(folder, settings)


def timm_pil(settings: LoaderSettings, recipe: Recipe) -> DataLoader:
    """Timm's data set and transforms, and the collating of its prefetcher."""
    from timm.data import ImageDataset, create_transform
    from timm.data.loader import fast_collate

    transform = create_transform(
        (3, *recipe.size),
        is_training=True,
        scale=recipe.scale,
        ratio=recipe.ratio,
        hflip=recipe.flip,
        color_jitter=None,
        interpolation=recipe.interpolation,
        use_prefetcher=True,
    )
    dataset = ImageDataset(str(settings.folder), transform=transform)
    return _loader(dataset, settings, collate_fn=fast_collate)


def read_tensor(path: str) -> Tensor:
    """Decode a file without PIL: (3, H, W) uint8."""
    return decode_image(path, ImageReadMode.RGB)


def drain(
    loader: DataLoader, images: int, size: tuple[int, int]
) -> Callable[[], None]:
    """A function that loads all images once.

    The batches are tensors first, or ``inputs``. RuntimeError if they are not
    that many images of that height and width.
    """

    def run() -> None:
        seen = 0
        for batch in loader:
            pixels: Any = batch['inputs' if isinstance(batch, dict) else 0]
            if pixels.dtype != torch.uint8 or pixels.shape[1:] != (3, *size):
                raise RuntimeError(
                    f'a batch is {tuple(pixels.shape)} {pixels.dtype}, not '
                    f'uint8 images of {size}'
                )
            seen += len(pixels)
        if seen != images:
            raise RuntimeError(f'{seen} images came for {images}')

    return run


def _loader(
    dataset: Any,
    settings: LoaderSettings,
    collate_fn: Callable[[list], Any] | None = None,
) -> DataLoader:
    return DataLoader(
        dataset,
        settings.batch_size,
        shuffle=True,
        num_workers=settings.num_workers,
        persistent_workers=settings.workers_stay,
        collate_fn=collate_fn,
    )
