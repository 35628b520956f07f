# Copyright (c) aemim_mm contributors. All rights reserved.
"""Normalised images of whole pixel values, and back; on torch alone."""

import torch
from torch import Tensor

# In 0-255 units.
MEAN = [123.675, 116.28, 103.53]
STD = [58.395, 57.12, 57.375]


def column(values: list[float]) -> Tensor:
    """Per-channel values as (C, 1, 1)."""
    return torch.tensor(values).view(-1, 1, 1)


def images(num: int = 4, seed: int = 0, size: int = 32) -> Tensor:
    """Normalised images of whole pixel values, (num, 3, size, size)."""
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randint(
        0, 256, (num, 3, size, size), generator=generator
    ).float()
    return (pixels - column(MEAN)) / column(STD)


def to_pixels(x: Tensor) -> Tensor:
    """Normalised images back to 0-255."""
    return x * column(STD) + column(MEAN)
