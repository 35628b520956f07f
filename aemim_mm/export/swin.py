# Copyright (c) aemim_mm contributors. All rights reserved.
"""The plain Swin Transformer, found in weights."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from mmengine.utils import to_2tuple
from mmpretrain.models import SwinTransformer
from torch import Tensor, nn

from .source import Source

_TABLE = re.compile(
    r'stages\.(\d+)\.blocks\.(\d+)\.attn\.w_msa\.relative_position_bias_table'
)


@dataclass(frozen=True)
class Swin:
    """A Swin Transformer, in mmpretrain's words."""

    plain: ClassVar[type[nn.Module]] = SwinTransformer

    embed_dims: int  # width of the first stage
    depths: tuple[int, ...]  # number of blocks per stage
    num_heads: tuple[int, ...]  # per stage
    window_size: int  # side of a window, in tokens
    patch_size: int  # side of a patch, in pixels
    img_size: tuple[int, int]  # height and width, in pixels
    in_channels: int  # of the image
    norms: tuple[int, ...]  # stages whose output has a norm

    def __str__(self) -> str:
        height, width = self.img_size
        return (
            f'SwinTransformer ({self.embed_dims} x {list(self.depths)} '
            f'layers, {list(self.num_heads)} heads, windows of '
            f'{self.window_size}, patches of {self.patch_size}, images of '
            f'{height} x {width})'
        )

    @staticmethod
    def recognises(encoder: Mapping[str, Tensor]) -> bool:
        """Whether weights, by mmpretrain's keys, look like a Swin's."""
        return any(_TABLE.fullmatch(key) for key in encoder)

    @classmethod
    def of(cls, source: Source, named: Mapping[str, Any]) -> 'Swin':
        """The Swin Transformer that an encoder's weights belong to.

        The config of the source tells the image size; without one, it is taken
        to be that whose last map is one window. The weights tell all that the
        ``arch`` of the config names. ValueError if the windows of the blocks
        differ, or the weights are incomplete.
        """
        encoder, backbone = source.encoder, source.config_of('backbone')
        conv = encoder.get('patch_embed.projection.weight')
        norms = tuple(i for i in range(9) if f'norm{i}.weight' in encoder)
        if conv is None or not norms:
            raise ValueError(
                'the encoder looks like a Swin Transformer but lacks '
                'patch_embed.projection.weight or the norm after a stage '
                '(norm3.weight): the file is incomplete. Give the checkpoint '
                'of the run itself'
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
                'the blocks have windows of different size, '
                f'{sorted(windows)}; only one size can be exported. '
                'mmpretrain itself loads the checkpoint by init_cfg with '
                "prefix='backbone.'"
            )
        window = windows.pop()
        whole = window * patch_size * 2 ** (len(blocks) - 1)
        return cls(
            embed_dims=embed_dims,
            depths=tuple(blocks[stage] for stage in sorted(blocks)),
            num_heads=tuple(heads[stage] for stage in sorted(heads)),
            window_size=window,
            patch_size=patch_size,
            img_size=to_2tuple(
                backbone.get('img_size', 224 if backbone else whole)
            ),
            in_channels=in_channels,
            norms=norms,
        )

    def backbone(self, **options: Any) -> dict[str, Any]:
        """The config of mmpretrain's backbone, with keys set or replaced."""
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
        return {**cfg, **options}

    def all_outputs(self, maps: bool) -> dict[str, Any]:
        """The options of ``backbone`` for every map that has a norm."""
        return dict(out_indices=self.norms)

    @property
    def neck(self) -> dict[str, Any] | None:
        """The config of the neck between backbone and classifier."""
        return dict(type='mmpretrain.GlobalAveragePooling')
