# Copyright (c) aemim_mm contributors. All rights reserved.
"""Results of single images, brought together from all processes."""

from collections.abc import Sequence

import torch
from mmengine.dist import all_gather_object
from torch import Tensor


def gather_images(
    indices: Sequence[Tensor], values: Sequence[Tensor]
) -> tuple[Tensor, Tensor]:
    """Join batches and processes, each image once, in the order of indices.

    Samplers of several processes hand some images out twice, so that all
    processes have equally many; those count once. To be called by all
    processes.

    Args:
        indices (Sequence[Tensor]): Per batch of this process, the images'
            places in the data set, (N, ).
        values (Sequence[Tensor]): Per batch, the images' results, (N, ...).

    Returns:
        tuple[Tensor, Tensor]: Indices of M images, (M, ), int64, ascending,
        and their results, (M, ...), on the CPU, in every process.

    Raises:
        ValueError: If no process has an image, or a process has one twice.
    """
    own = None
    if indices:
        own = (
            torch.cat([index.cpu() for index in indices]),
            torch.cat([value.cpu() for value in values]),
        )
    parts = [part for part in all_gather_object(own) if part is not None]
    if not parts:
        raise ValueError('there are no images to evaluate')
    for index, _ in parts:
        if len(index.unique()) != len(index):
            raise ValueError(
                'an index occurs twice in one process: every image needs the '
                'index of its place in the whole data set'
            )
    index, value = (torch.cat(column) for column in zip(*parts, strict=True))
    # Stable: of an image that several processes have, the first one counts.
    index, order = index.sort(stable=True)
    first = torch.ones_like(index, dtype=torch.bool)
    first[1:] = index[1:] != index[:-1]
    return index[first], value[order][first]
