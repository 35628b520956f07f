# Copyright (c) aemim_mm contributors. All rights reserved.
"""The plain Vision Transformer, found in weights."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from mmengine.utils import to_2tuple
from mmpretrain.models import VisionTransformer
from torch import Tensor, nn

from ..utils import type_name
from .source import Source

# (width, layers): heads. What the shapes of a ViT do not tell.
_HEADS = {(192, 12): 3, (384, 12): 6, (768, 12): 12, (1024, 24): 16}
_HEADS[(1280, 32)] = 16


@dataclass(frozen=True)
class ViT:
    """A ViT, in mmpretrain's words."""

    plain: ClassVar[type[nn.Module]] = VisionTransformer

    embed_dims: int  # width
    num_layers: int  # number of blocks
    num_heads: int
    feedforward_channels: int  # hidden width of the MLP
    patch_size: int  # side of a patch, in pixels
    img_size: tuple[int, int]  # height and width, in pixels
    in_channels: int  # of the image
    norm_eps: float  # epsilon of the layer norms
    norm: bool  # whether the tokens are normalised after the last block (ln1)
    pooled_norm: bool  # whether the mean of the patch tokens is (ln2)
    pooling: str  # what is classified: 'token' or 'avg'

    def __str__(self) -> str:
        height, width = self.img_size
        return (
            f'VisionTransformer ({self.embed_dims} x {self.num_layers} '
            f'layers, {self.num_heads} heads, patches of {self.patch_size}, '
            f'images of {height} x {width})'
        )

    @staticmethod
    def recognises(encoder: Mapping[str, Tensor]) -> bool:
        """Whether weights, by mmpretrain's keys, look like a ViT's."""
        return 'pos_embed' in encoder and 'layers.0.ln1.weight' in encoder

    @classmethod
    def of(cls, source: Source, named: Mapping[str, Any]) -> 'ViT':
        """The ViT that an encoder's weights belong to.

        ``named`` is the ``arch`` that its config names, or empty. ValueError
        if heads, image size or what a classifier takes can be told from
        nothing, or the weights are incomplete.
        """
        encoder, backbone = source.encoder, source.config_of('backbone')
        conv = encoder.get('patch_embed.projection.weight')
        fc = encoder.get('layers.0.ffn.layers.0.0.weight')
        if conv is None or fc is None:
            raise ValueError(
                'the encoder looks like a ViT but lacks patch_embed.'
                'projection.weight or layers.0.ffn.layers.0.0.weight: the '
                'file is incomplete, or of another kind of ViT. Give the '
                'checkpoint of the run itself'
            )
        embed_dims, in_channels, patch_size, _ = conv.shape
        num_layers = 1 + max(
            int(key.split('.')[1])
            for key in encoder
            if key.startswith('layers.')
        )
        pooled_norm = 'ln2.weight' in encoder
        if source.head and not backbone and not pooled_norm:
            raise ValueError(
                f'{source.path} holds a classifier but no config: weights do '
                'not tell whether it classifies the class token or the mean '
                'of the patches. Pass the config file of the run with --config'
            )
        _check_plain(source.path, backbone, patch_size)
        averaged = pooled_norm or (
            backbone.get('out_type') == 'featmap'
            and type_name(source.config_of('neck').get('type'))
            == 'GlobalAveragePooling'
        )
        return cls(
            embed_dims=embed_dims,
            num_layers=num_layers,
            num_heads=named.get('num_heads') or _heads(embed_dims, num_layers),
            feedforward_channels=len(fc),
            patch_size=patch_size,
            img_size=_img_size(encoder, backbone, patch_size),
            in_channels=in_channels,
            norm_eps=_eps(backbone),
            norm='ln1.weight' in encoder,
            pooled_norm=pooled_norm,
            pooling='avg' if averaged else 'token',
        )

    def backbone(self, **options: Any) -> dict[str, Any]:
        """The config of mmpretrain's backbone, with keys set or replaced."""
        out_type = 'cls_token' if self.neck is None else 'featmap'
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
            out_type='avg_featmap' if self.pooled_norm else out_type,
        )
        return {**cfg, **options}

    def all_outputs(self, maps: bool) -> dict[str, Any]:
        """The options of ``backbone`` for every block's map, or tokens."""
        return dict(
            out_type='featmap' if maps else 'raw',
            out_indices=list(range(self.num_layers)),
        )

    @property
    def neck(self) -> dict[str, Any] | None:
        """The config of the neck between backbone and classifier, if any."""
        if self.pooling == 'token' or self.pooled_norm:
            return None
        return dict(type='mmpretrain.GlobalAveragePooling')


def _check_plain(path: Any, backbone: Mapping, patch_size: int) -> None:
    """Refuse what changes the function of a ViT, but not its weights."""
    layers = backbone.get('layer_cfgs') or {}
    layers = [layers] if isinstance(layers, Mapping) else layers
    acts = {
        type_name(act.get('type', 'GELU'))
        if act.get('approximate', 'none') == 'none'
        else f'{type_name(act["type"])} ({act["approximate"]})'
        for act in (layer.get('act_cfg') or {} for layer in layers)
    }
    stride = (backbone.get('patch_cfg') or {}).get('stride', patch_size)
    other = [f'the activation {act}' for act in acts - {'GELU'}]
    if to_2tuple(stride) != (patch_size, patch_size):
        other.append(f'patches of {patch_size} pixels every {stride} pixels')
    if other:
        raise ValueError(
            f'{path}: the config has {" and ".join(other)}. Such a variant of '
            'the ViT cannot be converted'
        )


def _eps(backbone: Mapping[str, Any]) -> float:
    """The ViT of mmpretrain has 1e-6, a ``norm_cfg`` without eps 1e-5."""
    return (backbone.get('norm_cfg') or dict(eps=1e-6)).get('eps', 1e-5)


def _heads(embed_dims: int, num_layers: int) -> int:
    if (embed_dims, num_layers) not in _HEADS:
        raise ValueError(
            f'the number of heads of a ViT with {embed_dims} channels and '
            f'{num_layers} layers is not known: the file holds no config, '
            f'and the table has {sorted(_HEADS)} (channels, layers) only. '
            'Pass the config file of the run with --config'
        )
    return _HEADS[embed_dims, num_layers]


def _img_size(
    encoder: Mapping[str, Tensor], backbone: Mapping, patch_size: int
) -> tuple[int, int]:
    patches = encoder['pos_embed'].shape[1] - 1
    if 'img_size' in backbone:
        height, width = to_2tuple(backbone['img_size'])
        count = (height // patch_size) * (width // patch_size)
        if count == patches:
            return height, width
        if count == patches + 1:
            raise ValueError(
                f'the position embedding has {count} entries, one for each '
                'patch and none for a class token. Such a variant of the ViT '
                'cannot be converted'
            )
    side = math.isqrt(patches)
    if side * side != patches:
        raise ValueError(
            'the position embedding has entries for a class token and '
            f'{patches} patches, which is not a square number, and the config '
            f'says img_size={backbone.get("img_size")}. Pass the config file '
            'of the run with --config'
        )
    return side * patch_size, side * patch_size
