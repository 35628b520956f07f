# Copyright (c) aemim_mm contributors. All rights reserved.
"""Pictures for detection: shapes pasted on photographs, with exact masks.

The photographs are those that scikit-image's wheel holds: no download.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

CLASSES = ('circle', 'square', 'triangle')
# Functions of skimage.data whose colour photographs are in the wheel.
PHOTOGRAPHS = ('astronaut', 'chelsea', 'coffee', 'rocket', 'motorcycle')
TEXTURES = ('brick', 'grass', 'gravel')

# Radius of a shape's circumscribed circle, as a share of the shorter side.
_RADIUS = (0.12, 0.28)
_MOST_OBJECTS = 5
# An object that would hide more of an earlier one is placed elsewhere.
_MOST_HIDDEN = 0.4
_TRIES = 20


@dataclass(frozen=True)
class PaintedObject:
    """One pasted shape.

    Args:
        label (int): Index into ``CLASSES``.
        mask (np.ndarray): Its visible pixels, (H, W) bool: what a later
            object covers is not in it.
    """

    label: int
    mask: NDArray[np.bool_]


@cache
def load_photograph(name: str) -> NDArray[np.uint8]:
    """A picture of scikit-image.

    Args:
        name (str): One of ``PHOTOGRAPHS`` or ``TEXTURES``.

    Returns:
        np.ndarray: (H, W, 3) RGB or (H, W) grey, 0-255. Not to be changed.

    Raises:
        ImportError: If scikit-image is not installed.
    """
    try:
        from skimage import data
    except ImportError as error:
        raise ImportError(
            f'The photographs are those of scikit-image ({error}). It comes '
            'with the detection requirements: `make install-det` or '
            '`pip install scikit-image`.'
        ) from error
    if name == 'motorcycle':
        return data.stereo_motorcycle()[0]
    return getattr(data, name)()


def paint_scene(
    rng: Generator, width: int, height: int
) -> tuple[NDArray[np.uint8], list[PaintedObject]]:
    """A part of a photograph with one to five shapes on it.

    Edges are hard (a pixel is painted or it is not), so that the masks are
    the very pixels that were painted. Every shape lies within the picture and
    is at least 60 % visible.

    Args:
        rng (Generator): Where all choices come from.
        width (int): Width of the picture in pixels.
        height (int): Height of the picture in pixels.

    Returns:
        tuple[np.ndarray, list[PaintedObject]]: (H, W, 3) RGB, 0-255, and the
        objects in the order of painting, with disjoint masks.
    """
    image = _background(rng, width, height)
    whole: list[NDArray[np.bool_]] = []
    visible: list[NDArray[np.bool_]] = []
    labels: list[int] = []
    for _ in range(rng.integers(1, _MOST_OBJECTS + 1)):
        for _ in range(_TRIES):
            label = int(rng.integers(len(CLASSES)))
            mask = _outline(rng, label, width, height)
            if all(
                (seen & ~mask).sum() >= (1 - _MOST_HIDDEN) * full.sum()
                for full, seen in zip(whole, visible, strict=True)
            ):
                break
        else:
            break  # the picture is full
        image[mask] = _filling(rng, width, height)[mask]
        visible = [seen & ~mask for seen in visible] + [mask]
        whole.append(mask)
        labels.append(label)
    objects = [
        PaintedObject(label, mask)
        for label, mask in zip(labels, visible, strict=True)
    ]
    return image, objects


def _background(rng: Generator, width: int, height: int) -> NDArray[np.uint8]:
    """A random part of a random photograph, possibly mirrored."""
    photograph = load_photograph(str(rng.choice(PHOTOGRAPHS)))
    if rng.random() < 0.5:
        photograph = photograph[:, ::-1]
    return _crop(rng, photograph, width, height)


def _crop(
    rng: Generator, photograph: NDArray[np.uint8], width: int, height: int
) -> NDArray[np.uint8]:
    """A random part of 50 to 100 % of the possible side, at another size."""
    rows, columns = photograph.shape[:2]
    scale = rng.uniform(0.5, 1.0) * min(columns / width, rows / height)
    left = rng.uniform(0, columns - scale * width)
    top = rng.uniform(0, rows - scale * height)
    box = (left, top, left + scale * width, top + scale * height)
    resized = Image.fromarray(np.ascontiguousarray(photograph)).resize(
        (width, height), Image.Resampling.BICUBIC, box=box
    )
    return np.array(resized)


def _outline(
    rng: Generator, label: int, width: int, height: int
) -> NDArray[np.bool_]:
    """The pixels of one shape of random size, place and rotation."""
    from skimage import draw

    radius = rng.uniform(*_RADIUS) * min(width, height)
    x = rng.uniform(radius, width - 1 - radius)
    y = rng.uniform(radius, height - 1 - radius)
    angle = rng.uniform(0, 2 * np.pi)
    mask = np.zeros((height, width), bool)
    if CLASSES[label] == 'circle':
        pixels = draw.disk((y, x), radius, shape=mask.shape)
    else:
        corners = {'triangle': 3, 'square': 4}[CLASSES[label]]
        angles = angle + 2 * np.pi * np.arange(corners) / corners
        pixels = draw.polygon(
            y + radius * np.sin(angles),
            x + radius * np.cos(angles),
            shape=mask.shape,
        )
    mask[pixels] = True
    return mask


def _filling(rng: Generator, width: int, height: int) -> NDArray[np.uint8]:
    """A whole picture to cut a shape from: one colour, or a tinted texture."""
    colour = rng.integers(0, 256, 3)
    if rng.random() < 0.5:
        return np.broadcast_to(colour, (height, width, 3)).astype(np.uint8)
    texture = load_photograph(str(rng.choice(TEXTURES)))
    grey = _crop(rng, texture, width, height) / 255
    return (grey[..., None] * colour).round().astype(np.uint8)
