# Copyright (c) aemim_mm contributors. All rights reserved.
"""The plain Swin Transformer: found in weights, built in two libraries."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mmengine.utils import to_2tuple
from torch import Tensor

from .arch_zoo import named_arch

_TABLE = re.compile(
    r'stages\.(\d+)\.blocks\.(\d+)\.attn\.w_msa\.relative_position_bias_table'
)


@dataclass(frozen=True)
class Swin:
    """A Swin Transformer, in mmpretrain's words.

    Args:
        embed_dims (int): Width of the first stage.
        depths (tuple[int, ...]): Number of blocks per stage.
        num_heads (tuple[int, ...]): Number of attention heads per stage.
        window_size (int): Side of a window, in tokens.
        patch_size (int): Side of a patch, in pixels.
        img_size (tuple[int, int]): Height and width, in pixels.
        in_channels (int): Channels of the image.
        norms (tuple[int, ...]): Stages whose output has a norm.
    """

    embed_dims: int
    depths: tuple[int, ...]
    num_heads: tuple[int, ...]
    window_size: int
    patch_size: int
    img_size: tuple[int, int]
    in_channels: int
    norms: tuple[int, ...]

    def __str__(self) -> str:
        height, width = self.img_size
        return (
            f'SwinTransformer ({self.embed_dims} x {list(self.depths)} '
            f'layers, {list(self.num_heads)} heads, windows of '
            f'{self.window_size}, patches of {self.patch_size}, images of '
            f'{height} x {width})'
        )

    def backbone(self, **options) -> dict:
        """The config of mmpretrain's backbone.

        Args:
            **options: Keys to set or replace.

        Returns:
            dict: The config.
        """
        cfg = dict(
            type='mmpretrain.SwinTransformer',
            arch=dict(
                embed_dims=self.embed_dims,
                depths=list(self.depths),
                num_heads=list(self.num_heads),
            ),
            img_size=self.img_size,
            patch_size=self.patch_size,
            in_channels=self.in_channels,
            window_size=self.window_size,
            drop_path_rate=0.0,
            out_indices=self.norms,
        )
        cfg.update(options)
        return cfg


def swin_of(
    encoder: Mapping[str, Tensor], backbone: Mapping[str, Any]
) -> Swin:
    """The Swin Transformer that an encoder's weights belong to.

    Args:
        encoder (Mapping[str, Tensor]): The weights, by mmpretrain's keys.
        backbone (Mapping): The config of the backbone, or empty. It tells
            the image size; without one, it is taken to be that whose last
            map is one window.

    Returns:
        Swin: The architecture.

    Raises:
        ValueError: If the windows of the blocks differ, or the weights are
            incomplete.
    """
    conv = encoder.get('patch_embed.projection.weight')
    norms = tuple(i for i in range(9) if f'norm{i}.weight' in encoder)
    if conv is None or not norms:
        raise ValueError(
            'the encoder looks like a Swin Transformer but lacks '
            'patch_embed.projection.weight or the norm after a stage '
            '(norm3.weight): the file is incomplete. Give the checkpoint of '
            'the run itself'
        )
    embed_dims, in_channels, patch_size, _ = conv.shape
    blocks: dict[int, int] = {}
    heads: dict[int, int] = {}
    windows = set()
    for key, value in encoder.items():
        match = _TABLE.fullmatch(key)
        if match:
            stage, block = map(int, match.groups())
            blocks[stage] = max(blocks.get(stage, 0), block + 1)
            heads[stage] = value.shape[1]
            # (2 w - 1) ** 2 relative positions
            windows.add((math.isqrt(len(value)) + 1) // 2)
    if len(windows) != 1:
        raise ValueError(
            f'the blocks have windows of different size, {sorted(windows)}; '
            'only one size can be exported. mmpretrain itself loads the '
            "checkpoint by init_cfg with prefix='backbone.'"
        )
    window = windows.pop()
    depths = [blocks[stage] for stage in sorted(blocks)]
    num_heads = [heads[stage] for stage in sorted(heads)]
    named_arch(
        backbone, embed_dims=embed_dims, depths=depths, num_heads=num_heads
    )
    whole = window * patch_size * 2 ** (len(depths) - 1)
    img_size = backbone.get('img_size', 224 if backbone else whole)
    return Swin(
        embed_dims=embed_dims,
        depths=tuple(depths),
        num_heads=tuple(num_heads),
        window_size=window,
        patch_size=patch_size,
        img_size=to_2tuple(img_size),
        in_channels=in_channels,
        norms=norms,
    )
