# Copyright (c) aemim_mm contributors. All rights reserved.
"""How far the pixels of a pipeline are from those of torchvision on PIL."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mmpretrain.registry import TRANSFORMS
from numpy.typing import NDArray
from torchvision.datasets.folder import pil_loader
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2.functional import resized_crop

from ..pipeline import Pipeline
from .loaders import read_tensor
from .recipe import Recipe

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class PixelDifference:
    """From torchvision's crop and resize by PIL of the same boxes."""

    largest: int  # of all values, 0-255
    share: float  # of the values that differ at all
    share_above_1: float  # of those that differ by more than 1


def compare_pixels(
    crop: Callable[[Path, int], tuple[NDArray[np.uint8], Box]],
    recipe: Recipe,
    paths: Iterable[Path],
) -> PixelDifference:
    """Compare crops with those of torchvision on PIL images, over all files.

    ``crop`` gives the pixels of a file for a seed, (H, W, 3) in RGB, and where
    they are from: top, left, height, width.
    """
    largest, different, above_1, values = 0, 0, 0, 0
    for seed, path in enumerate(paths):
        pixels, box = crop(path, seed)
        expected = np.asarray(
            resized_crop(
                pil_loader(path),
                *box,
                list(recipe.size),
                InterpolationMode(recipe.interpolation),
            )
        )
        distance = np.abs(pixels.astype(int) - expected)
        largest = max(largest, int(distance.max()))
        different += np.count_nonzero(distance)
        above_1 += np.count_nonzero(distance > 1)
        values += distance.size
    return PixelDifference(largest, different / values, above_1 / values)


def crop_by(
    pipeline: Pipeline,
) -> Callable[[Path, int], tuple[NDArray[np.uint8], Box]]:
    """The crops of a pipeline, for :func:`compare_pixels`.

    Its first two transforms load and crop.
    """
    load, crop = (TRANSFORMS.build(dict(step)) for step in pipeline[:2])

    def run(path: Path, seed: int) -> tuple[NDArray[np.uint8], Box]:
        results = load(dict(img_path=str(path)))
        np.random.seed(seed)
        box = crop.rand_crop_params(results['img'])
        np.random.seed(seed)
        return crop(results)['img'][..., ::-1], box

    return run


def crop_of_tensors(
    recipe: Recipe, pipeline: Pipeline
) -> Callable[[Path, int], tuple[NDArray[np.uint8], Box]]:
    """The crops of torchvision's tensors, for :func:`compare_pixels`.

    The pipeline draws the boxes.
    """
    boxes = crop_by(pipeline)

    def run(path: Path, seed: int) -> tuple[NDArray[np.uint8], Box]:
        _, box = boxes(path, seed)
        pixels = resized_crop(
            read_tensor(str(path)),
            *box,
            list(recipe.size),
            InterpolationMode(recipe.interpolation),
            antialias=True,
        )
        return pixels.permute(1, 2, 0).numpy(), box

    return run
