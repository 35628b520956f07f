# Copyright (c) aemim_mm contributors. All rights reserved.
"""Random starts that belong to an image, not to a batch or a process."""

from collections.abc import Sequence

import torch
from torch import Tensor


def image_noise(
    seed: int, indices: Sequence[int] | Tensor, shape: Sequence[int]
) -> Tensor:
    """Uniform noise in [-1, 1) for images that are known by their index.

    The noise of an image depends only on ``seed`` and its index. The start of
    an attack is therefore the same for any number of processes, any batch
    size and any order. It is drawn on the CPU, with one generator per image.
    The global generators are not used.

    Args:
        seed (int): Names the stream, >= 0.
        indices (Sequence[int] | Tensor): Indices of N images in the data set,
            >= 0.
        shape (Sequence[int]): Shape of one image, (C, H, W).

    Returns:
        Tensor: (N, C, H, W), float32, on the CPU.

    Raises:
        ValueError: If the seed or an index is negative.
    """
    import numpy as np  # the rest of the attacks does without

    indices = [int(index) for index in indices]
    if seed < 0 or any(index < 0 for index in indices):
        raise ValueError(
            f'the seed and the indices of images must be >= 0, but got {seed} '
            f'and {indices}'
        )
    noise = np.empty((len(indices), *shape), dtype=np.float32)
    for row, index in zip(noise, indices, strict=True):
        np.random.default_rng([seed, index]).random(out=row, dtype=np.float32)
    return torch.from_numpy(noise).mul_(2).sub_(1)
