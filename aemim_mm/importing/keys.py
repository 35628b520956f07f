# Copyright (c) aemim_mm contributors. All rights reserved.
"""From the keys of another library to those of mmpretrain.

Everything goes over timm's names, which MAE's files have as well: what the
export knows of timm is used backwards.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch
from mmpretrain.models import SwinTransformer, VisionTransformer
from torch import Tensor

from ..checkpoints.foreign import EARLY_MERGING
from ..export.timm_network import TimmNetwork
from ..export.timm_swin import SWIN
from ..export.timm_vit import VIT

# A classifier of one linear layer: timm's ViT, and its Swin.
_LINEAR = re.compile(r'(fc\.)?(weight|bias)')
# What a model makes by itself.
_CONSTANT = re.compile(r'(.*\.)?(attn_mask|relative_position_index)')
_DECODER = ('decoder_embed.', 'decoder_pos_embed', 'decoder_pred.')
# transformers: the name in timm, or MAE's. Transformers 5 has renamed the
# list of the decoder's blocks.
_BLOCK = r'(decoder_)?blocks\.(\d+)\.'
_TRANSFORMERS = (
    (r'vit\.', ''),
    (r'decoder\.decoder_(?:layers|encoder\.layer)\.', 'decoder_blocks.'),
    (r'decoder\.', ''),
    (r'encoder\.layer\.', 'blocks.'),
    (r'embeddings\.position_embeddings', 'pos_embed'),
    (r'embeddings\.cls_token', 'cls_token'),
    (r'embeddings\.patch_embeddings\.projection', 'patch_embed.proj'),
    (_BLOCK + r'layernorm_before', r'\1blocks.\2.norm1'),
    (_BLOCK + r'layernorm_after', r'\1blocks.\2.norm2'),
    (_BLOCK + r'attention\.attention', r'\1blocks.\2.attn'),
    (_BLOCK + r'attention\.output\.dense', r'\1blocks.\2.attn.proj'),
    (_BLOCK + r'intermediate\.dense', r'\1blocks.\2.mlp.fc1'),
    (_BLOCK + r'output\.dense', r'\1blocks.\2.mlp.fc2'),
    (r'layernorm\.', 'norm.'),
    (r'classifier\.', 'head.'),
)


@dataclass
class Parts:
    """Weights by mmpretrain's keys, relative to their part."""

    # of `backbone`. Tensors that have no counterpart keep their names.
    encoder: dict[str, Tensor]
    mask_token: Tensor | None = None  # of `backbone`, for SimMIM
    # of `neck`, in pre-training
    decoder: dict[str, Tensor] = field(default_factory=dict)
    # `weight` (K, C) and `bias` (K, ) of the classifier
    head: dict[str, Tensor] = field(default_factory=dict)
    # what is left behind, with the number of tensors
    dropped: Counter = field(default_factory=Counter)


def from_transformers(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename what transformers has saved of a ViT or ViTMAE.

    From the keys that ``ViTMAEForPreTraining``, ``ViTMAEModel``, ``ViTModel``
    and ``ViTForImageClassification`` save (transformers 4 and 5), to those of
    timm and MAE; queries, keys and values are joined.
    """
    renamed = {}
    for key, value in weights.items():
        for pattern, name in _TRANSFORMERS:
            key = re.sub(f'^{pattern}', name, key)
        renamed[key] = value
    for key in [key for key in renamed if '.attn.query.' in key]:
        three = [key.replace('query', n) for n in ('query', 'key', 'value')]
        if all(name in renamed for name in three):
            renamed[key.replace('query', 'qkv')] = torch.cat(
                [renamed.pop(name) for name in three]
            )
    return renamed


def split(weights: Mapping[str, Tensor]) -> Parts:
    """The parts of a model, from the keys of timm, MAE or SimMIM."""
    rest, head = {}, {}
    parts = Parts({})
    for key, value in weights.items():
        key = key.removeprefix('module.')
        if _CONSTANT.fullmatch(key):
            continue
        if key.startswith(('pooler.', 'head_drop.')):
            parts.dropped['pooler.*'] += 1
        elif key.startswith('head.'):
            head[key.removeprefix('head.')] = value
        else:
            rest[key.removeprefix('encoder.')] = value
    if all(map(_LINEAR.fullmatch, head)):
        parts.head = {key.removeprefix('fc.'): v for key, v in head.items()}
    else:
        parts.dropped['classifier of several layers (head.*)'] = len(head)
    if any(key.startswith('layers.') for key in rest):
        _swin(rest, parts)
    else:
        _vit(rest, parts)
    return parts


def _vit(rest: dict[str, Tensor], parts: Parts) -> None:
    """A ViT and MAE's decoder, which has the same blocks."""
    decoder = {}
    for key in list(rest):
        if key.startswith(_DECODER):
            parts.decoder[key] = rest.pop(key)
        elif key.startswith('decoder_'):
            decoder[key.removeprefix('decoder_')] = rest.pop(key)
    if parts.decoder and 'mask_token' in rest:
        parts.decoder['mask_token'] = rest.pop('mask_token')
    for key, value in VIT.restore(decoder, _vit_keys(decoder)).items():
        parts.decoder[re.sub(r'^layers\.', 'decoder_blocks.', key)] = value
    parts.encoder = _encoder(VIT, rest, _vit_keys(rest))


def _swin(rest: dict[str, Tensor], parts: Parts) -> None:
    """A Swin Transformer and SimMIM's decoder, a convolution."""
    parts.mask_token = rest.pop('mask_token', None)
    for key in [key for key in rest if key.startswith('decoder.')]:
        parts.decoder[key] = rest.pop(key)
    if EARLY_MERGING in rest:
        rest = {
            re.sub(
                r'^layers\.(\d+)\.downsample',
                lambda m: f'layers.{int(m[1]) + 1}.downsample',
                key,
            ): value
            for key, value in rest.items()
        }
    template = _swin_template(rest)
    parts.encoder = _encoder(SWIN, rest, template)
    parts.encoder.update(
        (key, value)
        for key, value in template.items()
        if key.endswith('relative_position_index')
    )


def _encoder(
    network: TimmNetwork, weights: Mapping[str, Tensor], keys: Iterable[str]
) -> dict[str, Tensor]:
    """By mmpretrain's keys; what has none keeps its name, to be refused."""
    keys = list(keys)
    known = {network.counterpart(key)[0] for key in keys}
    left = {key: weights[key] for key in weights if key not in known}
    return {**network.restore(weights, keys), **left}


def _count(weights: Mapping[str, Tensor], pattern: str) -> int:
    """How many entries a numbered list has."""
    found = (re.match(pattern, key) for key in weights)
    return max((int(match[1]) + 1 for match in found if match), default=0)


def _vit_keys(weights: Mapping[str, Tensor]) -> list[str]:
    """The keys that mmpretrain's ViT may have."""
    template = VisionTransformer(
        arch=dict(
            embed_dims=4,
            num_layers=max(1, _count(weights, r'blocks\.(\d+)\.')),
            num_heads=1,
            feedforward_channels=4,
        ),
        img_size=4,
        patch_size=4,
        out_type='avg_featmap',  # with ln2
    )
    return list(template.state_dict())


def _swin_template(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A Swin Transformer of as many blocks and the same windows."""
    stages = _count(weights, r'layers\.(\d+)\.')
    table = weights.get('layers.0.blocks.0.attn.relative_position_bias_table')
    if table is None or stages != 4:
        raise ValueError(
            'the file looks like a Swin Transformer, but has '
            f'{stages} stages, not 4, or no relative_position_bias_table: it '
            'is incomplete, or a variant such as Swin V2, which cannot be '
            'converted'
        )
    window = (math.isqrt(len(table)) + 1) // 2
    template = SwinTransformer(
        arch=dict(
            embed_dims=4,
            depths=[
                _count(weights, rf'layers\.{stage}\.blocks\.(\d+)\.')
                for stage in range(stages)
            ],
            num_heads=[1] * stages,
        ),
        img_size=32 * window,
        window_size=window,
    )
    return template.state_dict()
