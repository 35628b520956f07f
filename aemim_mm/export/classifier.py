# Copyright (c) aemim_mm contributors. All rights reserved.
"""The classifier on top of a fine-tuned encoder, as one linear layer."""

from torch import Tensor

from .architecture import Architecture
from .source import Source
from .vit import ViT

_KINDS = {'fc': 'LinearClsHead', 'layers.head': 'VisionTransformerClsHead'}


def linear_classifier(source: Source) -> dict[str, Tensor] | None:
    """The weight and bias that map pooled features to logits.

    The batch norm of MAE's linear probing (``ClsBatchNormNeck``) is folded
    in: in evaluation it is linear.

    Args:
        source (Source): The checkpoint.

    Returns:
        dict[str, Tensor] | None: ``weight`` (K, C) and ``bias`` (K, ); None
        for a pre-trained encoder.

    Raises:
        ValueError: If the head or the neck is anything else.
    """
    if not source.head:
        return None
    name = _layer(source)
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
    neck = _neck(source)
    if neck.get('type') not in (
        None,
        'GlobalAveragePooling',
        'ClsBatchNormNeck',
    ):
        raise ValueError(
            f'{source.path}: the target has no counterpart of the neck '
            f'{neck["type"]!r}. Export with --to mmpretrain'
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
    return folded.to(weight.dtype), moved.to(bias.dtype)


def _layer(source: Source) -> str:
    return 'fc' if 'fc.weight' in source.head else 'layers.head'


def _neck(source: Source) -> dict:
    neck = (source.config.get('model') or {}).get('neck')
    return dict(neck) if isinstance(neck, dict) else {}


def classifier_config(source: Source, architecture: Architecture) -> dict:
    """The config of mmpretrain's classifier, told from the weights alone.

    Args:
        source (Source): The checkpoint of a fine-tuned model.
        architecture (ViT | Swin): Of its encoder.

    Returns:
        dict: The config of an ``ImageClassifier``.
    """
    name = _layer(source)
    weight = source.head[f'{name}.weight']
    head = dict(
        type=f'mmpretrain.{_KINDS[name]}',
        num_classes=len(weight),
        in_channels=weight.shape[1],
    )
    hidden = source.head.get('layers.pre_logits.weight')
    if hidden is not None:
        head.update(hidden_dim=len(hidden), in_channels=hidden.shape[1])
    backbone, neck = architecture.backbone(), None
    if source.neck:
        neck = dict(
            type='mmpretrain.ClsBatchNormNeck',
            input_features=weight.shape[1],
            affine='bn.weight' in source.neck,
            eps=_neck(source).get('eps', 1e-6),
        )
    elif not isinstance(architecture, ViT):
        neck = dict(type='mmpretrain.GlobalAveragePooling')
    elif architecture.pooling == 'avg' and not architecture.pooled_norm:
        backbone['out_type'] = 'featmap'
        neck = dict(type='mmpretrain.GlobalAveragePooling')
    return dict(
        type='mmpretrain.ImageClassifier',
        backbone=backbone,
        neck=neck,
        head=head,
    )
