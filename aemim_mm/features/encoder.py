# Copyright (c) aemim_mm contributors. All rights reserved.
"""The clean encoder of a checkpoint, and the images that it wants."""

from os import PathLike
from typing import Any

import torch
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from aemim_mm_cli.choices import POOLS

from ..checkpoints.normalization import IMAGENET
from ..evaluation import FrozenEncoder
from ..export.architecture import find_architecture
from ..export.source import Source, read_source
from ..export.vit import ViT


class FeatureEncoder(nn.Module):
    """Images in, one vector for each image out.

    Args:
        source (Source): The checkpoint.
        pool (str): ``'avg'``, the mean of the patches, or ``'cls'``, the class
            token of a ViT. Defaults to ``'avg'``.

    Attributes:
        img_size (tuple[int, int]): Height and width of the images, in pixels.
        in_channels (int): Their channels, 3 or 1.

    Raises:
        ValueError: If ``pool`` is unknown, or the encoder has no such vector.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, source: Source, pool: str = 'avg') -> None:
        super().__init__()
        if pool not in POOLS:
            raise ValueError(f'pool is {pool!r}; it must be one of {POOLS}')
        architecture = find_architecture(source)
        options: dict[str, Any] = {}
        if isinstance(architecture, ViT) and not architecture.pooled_norm:
            options['out_type'] = 'raw'
        if pool == 'cls' and not options:
            raise ValueError(
                f'{source.path}: {architecture} has no class token that was '
                "normalised in training. Take pool 'avg'"
            )
        height, width = architecture.img_size
        self.img_size = (height, width)
        self.in_channels = architecture.in_channels
        init_default_scope('mmpretrain')
        backbone = MODELS.build(architecture.backbone(**options))
        self.model = FrozenEncoder(
            backbone, 'token' if pool == 'cls' else 'avg'
        )
        keys = backbone.state_dict()
        backbone.load_state_dict(
            {
                key: value.float() if value.is_floating_point() else value
                for key, value in source.encoder.items()
                if key in keys
            }
        )
        known = source.normalization
        if not known and self.in_channels == 1:
            raise ValueError(
                f'{source.path} does not say by what mean and deviation grey '
                'images are normalised. Give the config of the run, too'
            )
        known = {**IMAGENET, **known}
        self.to_rgb = known['to_rgb'] and self.in_channels == 3
        for name in ('mean', 'std'):
            value = torch.tensor(known[name], dtype=torch.float32)
            self.register_buffer(name, value.view(-1, 1, 1))
        self.eval()

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Encode.

        Args:
            images (Tensor): (B, C, H, W) in 0-255, BGR or grey.

        Returns:
            Tensor: (B, N) float32.
        """
        if self.to_rgb:
            images = images[:, [2, 1, 0]]
        return self.model((images.float() - self.mean) / self.std)


def load_encoder(
    checkpoint: str | PathLike,
    config: str | PathLike | None = None,
    pool: str = 'avg',
) -> FeatureEncoder:
    """Load the clean encoder of a run, or an exported one.

    Args:
        checkpoint (str or PathLike): Of pre-training or fine-tuning, or what
            ``tools/export_backbone.py --to mmpretrain`` wrote.
        config (str or PathLike, optional): The config of the run, for a
            checkpoint that holds none. Defaults to None.
        pool (str): As :class:`FeatureEncoder`. Defaults to ``'avg'``.

    Returns:
        FeatureEncoder: In evaluation mode, on the CPU.

    Raises:
        FileNotFoundError: If a file is not there.
        ValueError: If it holds no encoder of a known kind.
    """
    return FeatureEncoder(read_source(checkpoint, config), pool)
