# Copyright (c) aemim_mm contributors. All rights reserved.
"""Corrupt a picture as ImageNet-C does, the same way each time."""

import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image

MIN_SIDE = 32
# These take a seed of their own and do not look at numpy's.
_SEEDED = ('glass_blur', 'impulse_noise')
REQUIREMENT = 'imagecorruptions-imaug==1.1.5'


def corrupt_image(
    picture: Image.Image, corruption: str, severity: int, seed: int
) -> Image.Image:
    """Corrupt a picture.

    The corruptions need at least 32 pixels on the shorter side. A smaller
    picture is enlarged by the smallest whole factor that gives 32 (every
    pixel becomes a square), corrupted, and reduced by the same factor (every
    square becomes its mean). The resizing alone does not change the picture.
    Noise is then weaker than the severity says.

    Args:
        picture (Image.Image): The picture; it is taken as RGB.
        corruption (str): Name of the corruption, such as 'fog'.
        severity (int): 1 to 5.
        seed (int): The same seed gives the same result. Below 2 ** 32.

    Returns:
        Image.Image: RGB, of the same size.

    Raises:
        ImportError: If the library of the corruptions is not installed.
    """
    corrupt = _library()
    picture = picture.convert('RGB')
    factor = math.ceil(MIN_SIDE / min(picture.size))
    if factor > 1:
        size = [side * factor for side in picture.size]
        picture = picture.resize(size, Image.Resampling.NEAREST)
    own = dict(seed=seed) if corruption in _SEEDED else {}
    with _numpy_seed(seed):
        pixels = corrupt(
            np.array(picture),
            corruption_name=corruption,
            severity=severity,
            **own,
        )
    result = Image.fromarray(pixels)
    return result.reduce(factor) if factor > 1 else result


def corruption_seed(
    seed: int, image: str, corruption: str, severity: int
) -> int:
    """The seed of one picture at one corruption and severity.

    It does not depend on which pictures come before, nor in which process.

    Args:
        seed (int): Seed of the whole tree.
        image (str): What tells the picture from the others.
        corruption (str): Name of the corruption.
        severity (int): 1 to 5.

    Returns:
        int: At least 0 and below 2 ** 32.
    """
    words = f'{seed}/{corruption}/{severity}/{image}'.encode()
    return int.from_bytes(hashlib.sha256(words).digest()[:4], 'big')


def _library() -> Callable:
    try:
        from imagecorruptions import corrupt
    except ImportError as error:
        raise ImportError(
            f'the corruptions need another package ({error}): '
            f'pip install {REQUIREMENT}'
        ) from error
    return corrupt


@contextmanager
def _numpy_seed(seed: int) -> Iterator[None]:
    """Seed numpy's global generator; give it its state back afterwards."""
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)
