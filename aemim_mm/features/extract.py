# Copyright (c) aemim_mm contributors. All rights reserved.
"""The features of all images of a folder."""

import os
import tempfile
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmcv.transforms import Compose
from mmengine.registry import init_default_scope
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from ..datasets import ImageFiles
from ..datasets.transforms.loading import UnreadableImage
from .encoder import FeatureEncoder


@dataclass(frozen=True)
class Features:
    """Features by image.

    Args:
        names (list[str]): Paths of the images, relative to the folder.
        features (np.ndarray): (len(names), N) float32.
        unreadable (list[str]): Images that could not be read, with reasons.
    """

    names: list[str]
    features: NDArray[np.float32]
    unreadable: list[str]


class _Readable(Dataset):
    """Index and pixels of each image; a reason where it cannot be read."""

    def __init__(self, images: ImageFiles, encoder: FeatureEncoder) -> None:
        init_default_scope('mmpretrain')
        self.images = images
        color = 'grayscale' if encoder.in_channels == 1 else 'color'
        self.pipeline = Compose(
            [
                dict(
                    type='LoadImageOrSkip',
                    test_mode=True,
                    # As the robustness suite
                    color_type=f'{color}_ignore_orientation',
                ),
                dict(type='FitToEncoder', img_size=encoder.img_size),
            ]
        )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[int, Tensor | str]:
        try:
            data: Any = self.pipeline(self.images.get_data_info(index))
        except UnreadableImage as error:
            return index, str(error)
        pixels = torch.from_numpy(np.ascontiguousarray(data['img']))
        return index, pixels.view(*pixels.shape[:2], -1).permute(2, 0, 1)


def extract(
    encoder: FeatureEncoder,
    folder: str,
    batch_size: int = 64,
    num_workers: int = 0,
    progress: bool = True,
) -> Features:
    """Encode all images of a folder, each once, in the order of their paths.

    :class:`~aemim_mm.datasets.FitToEncoder` says which part of an image the
    encoder sees.

    Args:
        encoder (FeatureEncoder): The encoder, on the device to compute on.
        folder (str): Folder or text file of paths, as
            :class:`~aemim_mm.datasets.ImageFiles`.
        batch_size (int): Images at a time. Defaults to 64.
        num_workers (int): Processes that read. Defaults to 0.
        progress (bool): Whether to show a bar with the time left on stderr.
            Defaults to True.

    Returns:
        Features: Names and features.

    Raises:
        FileNotFoundError: If the folder is not there.
        ValueError: If it holds no image, or none that can be read.
    """
    images = ImageFiles(folder)
    loader = DataLoader(
        _Readable(images, encoder),  # type: ignore[arg-type]
        batch_size,
        num_workers=num_workers,
        collate_fn=list,
    )
    root = images.data_root
    root = root if os.path.isdir(root) else os.path.dirname(root)
    names, vectors, unreadable = [], [], []
    bar = tqdm(total=len(images), unit='image', disable=not progress)
    for batch in loader:
        pixels = [item for _, item in batch if isinstance(item, Tensor)]
        if pixels:
            stacked = torch.stack(pixels).to(encoder.mean.device)
            vectors.append(encoder(stacked).cpu())
        for index, item in batch:
            if isinstance(item, Tensor):
                path = images.get_data_info(index)['img_path']
                names.append(os.path.relpath(path, root or '.'))
            else:
                unreadable.append(item)
        bar.update(len(batch))
    bar.close()
    if not names:
        raise ValueError(f'no image of {folder} can be read: {unreadable[0]}')
    return Features(names, torch.cat(vectors).numpy(), unreadable)


def save_features(found: Features, out: str | PathLike) -> None:
    """Write ``names`` (text) and ``features`` (float32) in one step.

    Args:
        found (Features): The features.
        out (str or PathLike): The file, ``.npz``.
    """
    out = Path(out)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        written = Path(folder) / 'features.npz'
        np.savez(written, names=np.array(found.names), features=found.features)
        os.replace(written, out)
