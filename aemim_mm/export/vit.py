# Copyright (c) aemim_mm contributors. All rights reserved.
"""The plain Vision Transformer: found in weights, built in two libraries."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mmengine.utils import to_2tuple
from torch import Tensor

from .arch_zoo import named_arch

# (width, layers): heads. What the shapes of a ViT do not tell.
_HEADS = {(192, 12): 3, (384, 12): 6, (768, 12): 12, (1024, 24): 16}
_HEADS[(1280, 32)] = 16


@dataclass(frozen=True)
class ViT:
    """A ViT, in mmpretrain's words.

    Args:
        embed_dims (int): Width.
        num_layers (int): Number of blocks.
        num_heads (int): Number of attention heads.
        feedforward_channels (int): Hidden width of the MLP.
        patch_size (int): Side of a patch, in pixels.
        img_size (tuple[int, int]): Height and width, in pixels.
        in_channels (int): Channels of the image.
        norm_eps (float): Epsilon of the layer norms.
        norm (bool): Whether the tokens are normalised after the last block
            (``ln1``).
        pooled_norm (bool): Whether the mean of the patch tokens is (``ln2``).
        pooling (str): What is classified: ``'token'`` or ``'avg'``.
    """

    embed_dims: int
    num_layers: int
    num_heads: int
    feedforward_channels: int
    patch_size: int
    img_size: tuple[int, int]
    in_channels: int
    norm_eps: float
    norm: bool
    pooled_norm: bool
    pooling: str

    def __str__(self) -> str:
        height, width = self.img_size
        return (
            f'VisionTransformer ({self.embed_dims} x {self.num_layers} '
            f'layers, {self.num_heads} heads, patches of {self.patch_size}, '
            f'images of {height} x {width})'
        )

    def backbone(self, **options) -> dict:
        """The config of mmpretrain's backbone.

        Args:
            **options: Keys to set or replace.

        Returns:
            dict: The config.
        """
        cfg = dict(
            type='mmpretrain.VisionTransformer',
            arch=dict(
                embed_dims=self.embed_dims,
                num_layers=self.num_layers,
                num_heads=self.num_heads,
                feedforward_channels=self.feedforward_channels,
            ),
            img_size=self.img_size,
            patch_size=self.patch_size,
            in_channels=self.in_channels,
            norm_cfg=dict(type='LN', eps=self.norm_eps),
            final_norm=self.norm,
            out_type='avg_featmap' if self.pooled_norm else 'cls_token',
        )
        cfg.update(options)
        return cfg


def vit_of(
    encoder: Mapping[str, Tensor],
    backbone: Mapping[str, Any],
    model: Mapping[str, Any],
) -> ViT:
    """The ViT that an encoder's weights belong to.

    Args:
        encoder (Mapping[str, Tensor]): The weights, by mmpretrain's keys.
        backbone (Mapping): The config of the backbone, or empty.
        model (Mapping): The config of the model, or empty.

    Returns:
        ViT: The architecture.

    Raises:
        ValueError: If heads or image size can be told from nothing.
    """
    conv = encoder.get('patch_embed.projection.weight')
    fc = encoder.get('layers.0.ffn.layers.0.0.weight')
    if conv is None or fc is None:
        raise ValueError(
            'the encoder looks like a ViT but lacks '
            'patch_embed.projection.weight or layers.0.ffn.layers.0.0.weight: '
            'the file is incomplete, or of another kind of ViT. Give the '
            'checkpoint of the run itself'
        )
    embed_dims, in_channels, patch_size, _ = conv.shape
    num_layers = 1 + max(
        int(key.split('.')[1]) for key in encoder if key.startswith('layers.')
    )
    arch = named_arch(backbone, embed_dims=embed_dims, num_layers=num_layers)
    heads = arch['num_heads'] if arch else _HEADS.get((embed_dims, num_layers))
    if heads is None:
        raise ValueError(
            f'the number of heads of a ViT with {embed_dims} channels and '
            f'{num_layers} layers is not known: the file holds no config, '
            f'and the table has {sorted(_HEADS)} (channels, layers) only. '
            'Pass the config file of the run with --config'
        )
    neck = model.get('neck') or {}
    neck_type = neck.get('type') if isinstance(neck, Mapping) else None
    pooled_norm = 'ln2.weight' in encoder
    averaged = pooled_norm or (
        backbone.get('out_type') == 'featmap'
        and neck_type == 'GlobalAveragePooling'
    )
    return ViT(
        embed_dims=embed_dims,
        num_layers=num_layers,
        num_heads=heads,
        feedforward_channels=len(fc),
        patch_size=patch_size,
        img_size=_img_size(encoder, backbone, patch_size),
        in_channels=in_channels,
        norm_eps=(backbone.get('norm_cfg') or {}).get('eps', 1e-6),
        norm='ln1.weight' in encoder,
        pooled_norm=pooled_norm,
        pooling='avg' if averaged else 'token',
    )


def _img_size(
    encoder: Mapping[str, Tensor], backbone: Mapping, patch_size: int
) -> tuple[int, int]:
    patches = encoder['pos_embed'].shape[1] - 1
    if 'img_size' in backbone:
        height, width = to_2tuple(backbone['img_size'])
        if (height // patch_size) * (width // patch_size) == patches:
            return height, width
    side = math.isqrt(patches)
    if side * side != patches:
        raise ValueError(
            f'the position embedding has {patches} patches, which is no '
            f'square, and the config says img_size='
            f'{backbone.get("img_size")}. Pass the config file of the run '
            'with --config'
        )
    return side * patch_size, side * patch_size
