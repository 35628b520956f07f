# Copyright (c) aemim_mm contributors. All rights reserved.
"""JPEG files like those of ImageNet, made from photographs at hand."""

from pathlib import Path

import numpy as np
from numpy.random import Generator
from PIL import Image

from aemim_mm.datasets._mini_coco_scenes import (
    PHOTOGRAPHS,
    load_photograph,
)

# The most frequent size of ImageNet's training images, and its share here of
# landscape format.
SIZE = (500, 375)
_LANDSCAPE = 0.75
QUALITY = 90
# Standard deviations of the noise in 0-255 units, of the brightness and of
# each colour: a resized photograph is smoother, and faster to decode, than
# one of a camera. With it a file has about 79 kB on average, one of ImageNet
# about 110 kB.
_NOISE = (8.0, 3.0)


def write_photographs(folder: Path, number: int, seed: int = 0) -> int:
    """Write parts of scikit-image's photographs, with noise, as JPEG.

    They are of one class, with a folder of its own. The same arguments give
    the same files. Returns the bytes of all files. ImportError if
    scikit-image is not installed.
    """
    rng = np.random.default_rng(seed)
    target = folder / 'photographs'
    target.mkdir(parents=True)
    written = 0
    for index in range(number):
        size = SIZE if rng.random() < _LANDSCAPE else SIZE[::-1]
        name = PHOTOGRAPHS[index % len(PHOTOGRAPHS)]
        path = target / f'{index:06d}.JPEG'
        _part(rng, name, size).save(path, 'JPEG', quality=QUALITY)
        written += path.stat().st_size
    return written


def _part(rng: Generator, name: str, size: tuple[int, int]) -> Image.Image:
    photograph = Image.fromarray(load_photograph(name))
    width, height = size
    # The largest part of this format, or one of up to 80 % of its side.
    scale = min(photograph.width / width, photograph.height / height)
    scale *= rng.uniform(0.8, 1.0)
    left = rng.uniform(0, photograph.width - scale * width)
    top = rng.uniform(0, photograph.height - scale * height)
    part = photograph.resize(
        size,
        Image.Resampling.BICUBIC,
        box=(left, top, left + scale * width, top + scale * height),
    )
    pixels = np.asarray(part, np.float32)
    pixels = pixels + rng.normal(0, _NOISE[0], (height, width, 1))
    pixels += rng.normal(0, _NOISE[1], (height, width, 3))
    return Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))
