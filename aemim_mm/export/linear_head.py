# Copyright (c) aemim_mm contributors. All rights reserved.
"""The classifier on top of a fine-tuned encoder, as one linear layer."""

from torch import Tensor

from ..utils import type_name
from .source import Source


def linear_head(source: Source) -> dict[str, Tensor]:
    """The weight and bias that map pooled features to logits.

    ``weight`` (K, C) and ``bias`` (K, ); empty for a pre-trained encoder. The
    batch norm of MAE's linear probing (``ClsBatchNormNeck``) is folded in: in
    evaluation it is linear. ValueError if the head or the neck is anything
    else.
    """
    if not source.head:
        return {}
    name = 'fc' if 'fc.weight' in source.head else 'layers.head'
    left = set(source.head) - {f'{name}.weight', f'{name}.bias'}
    if left:
        raise ValueError(
            f'{source.path}: the head has more than one linear layer '
            f'({sorted(left)}), which the target does not have. Export with '
            '--to mmpretrain'
        )
    weight = source.head[f'{name}.weight']
    bias = source.head.get(f'{name}.bias')
    if bias is None:
        bias = weight.new_zeros(len(weight))
    neck = source.config_of('neck')
    if neck and type_name(neck['type']) not in (
        'GlobalAveragePooling',
        'ClsBatchNormNeck',
    ):
        raise ValueError(
            f'{source.path}: the target has no counterpart of the neck '
            f'{neck["type"]!r}. Export with --to mmpretrain'
        )
    if source.neck and not neck:
        raise ValueError(
            f'{source.path} has a batch norm before its linear layer, and '
            'does not tell its eps. Pass the config file of the run with '
            '--config'
        )
    if source.neck:
        weight, bias = _fold(source.neck, weight, bias, neck.get('eps', 1e-6))
    return dict(weight=weight, bias=bias)


def _fold(
    norm: dict[str, Tensor], weight: Tensor, bias: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """A linear layer after a batch norm, as one linear layer."""
    scale = (norm['bn.running_var'].double() + eps).rsqrt()
    if 'bn.weight' in norm:
        scale = scale * norm['bn.weight'].double()
    shift = -norm['bn.running_mean'].double() * scale
    if 'bn.bias' in norm:
        shift = shift + norm['bn.bias'].double()
    folded = weight.double() * scale
    moved = bias.double() + weight.double() @ shift
    # Rounded once, before: a folded layer in half precision would not be the
    # same function.
    return folded.float(), moved.float()
