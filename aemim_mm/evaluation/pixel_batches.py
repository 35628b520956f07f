# Copyright (c) aemim_mm contributors. All rights reserved.
"""From a dataloader of mmpretrain to images in [0, 1] with their indices."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import torch
from mmpretrain.structures import DataSample
from torch import Tensor


class PixelBatch(NamedTuple):
    """A batch as the evaluation of attacks takes it.

    Attributes:
        images (Tensor): RGB or grey, in [0, 1], (N, C, H, W), float32.
        labels (Tensor): Classes, (N, ), int64.
        indices (Tensor): Places in the data set, (N, ), int64.
    """

    images: Tensor
    labels: Tensor
    indices: Tensor


def pixel_batches(
    dataloader: Iterable[dict],
    device: torch.device | str = 'cpu',
    bgr: bool = True,
) -> Iterator[PixelBatch]:
    """Read batches of whole pixel values.

    Args:
        dataloader (Iterable[dict]): Batches as mmpretrain's dataloaders yield
            them: ``inputs`` in uint8, not normalised, and ``data_samples``
            with one ``gt_label`` and ``sample_idx`` each.
        device (torch.device | str): Where the tensors go. Defaults to 'cpu'.
        bgr (bool): Whether colour images come in the order blue, green, red,
            as ``LoadImageFromFile`` gives them. Defaults to True.

    Yields:
        PixelBatch: Images, labels and indices.

    Raises:
        ValueError: If images are not uint8 or of several sizes, or a sample
            has not exactly one label or no index.
    """
    for data in dataloader:
        samples = data['data_samples']
        for sample in samples:
            if sample.get('sample_idx') is None:
                raise ValueError(
                    'every sample must have its sample_idx, which the data '
                    'set gives through PackInputs: leave it in meta_keys'
                )
        yield PixelBatch(
            to_pixels(data['inputs'], device, bgr),
            read_labels(samples).to(device),
            torch.tensor([sample.sample_idx for sample in samples]),
        )


def to_pixels(
    inputs: Tensor | Sequence[Tensor], device: torch.device | str, bgr: bool
) -> Tensor:
    """Bring collated images to RGB in [0, 1].

    Args:
        inputs (Tensor | Sequence[Tensor]): uint8 images (N, C, H, W), or N of
            them, (C, H, W).
        device (torch.device | str): Where the result goes.
        bgr (bool): Whether colour images are in BGR order.

    Returns:
        Tensor: (N, C, H, W), float32.

    Raises:
        ValueError: If images are not uint8 or of several sizes.
    """
    if not isinstance(inputs, Tensor):
        shapes = {tuple(image.shape) for image in inputs}
        if len(shapes) > 1:
            raise ValueError(
                f'images of one size are needed, but got {sorted(shapes)}: '
                'resize and crop them in the pipeline'
            )
        inputs = torch.stack(list(inputs))
    if inputs.dtype != torch.uint8:
        raise ValueError(
            f'images must be uint8 pixels, but got {inputs.dtype}: leave '
            'normalisation to the data preprocessor'
        )
    inputs = inputs.to(device)
    if bgr and inputs.shape[1] == 3:
        inputs = inputs.flip(1)
    return inputs.float() / 255


def read_labels(data_samples: Sequence[DataSample]) -> Tensor:
    """The labels of samples that have one each.

    Args:
        data_samples (Sequence[DataSample]): N samples.

    Returns:
        Tensor: (N, ), int64.

    Raises:
        ValueError: If a sample has not exactly one ``gt_label``.
    """
    for sample in data_samples:
        label = sample.get('gt_label')
        if label is None or label.numel() != 1:
            raise ValueError(
                'every sample must have exactly one gt_label, but got '
                f'{label} for {sample.get("img_path", "a sample")}'
            )
    return torch.cat([sample.gt_label.view(1) for sample in data_samples])
