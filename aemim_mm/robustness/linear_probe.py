# Copyright (c) aemim_mm contributors. All rights reserved.
"""A linear classifier that was trained on a frozen encoder."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from ..checkpoints.safe_file import load_checkpoint_file
from ..evaluation import FrozenEncoder
from ..export.linear_head import linear_head
from ..export.source import read_source
from .evaluated_classifier import EvaluatedClassifier
from .load_encoder import out_type_of

_PLAIN = {'weight', 'bias'}
_ACCEPTED = (
    'Give a checkpoint of linear probing (configs/finetune/*-linear-*), or a '
    'file of the tensors weight (K, D) and bias (K, )'
)


@dataclass(frozen=True)
class LinearProbe:
    """A linear classifier, and what it was trained on.

    Attributes:
        path (str): The file.
        weight (Tensor): (K, D).
        bias (Tensor): (K, ).
        encoder (Mapping[str, Tensor]): The encoder's weights in the file, by
            the keys of mmpretrain's backbone. Empty where the file holds the
            classifier alone.
        pooling (str, optional): What is classified: 'token' or 'avg'; None
            where the file does not say.
    """

    path: str
    weight: Tensor
    bias: Tensor
    encoder: Mapping[str, Tensor]
    pooling: str | None


def read_linear_probe(path: str) -> LinearProbe:
    """Read a linear classifier.

    Args:
        path (str): A checkpoint of the linear-probing recipes, whose batch
            norm is folded in; or the state of an ``nn.Linear``: ``weight``
            and ``bias``.

    Returns:
        LinearProbe: The classifier.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it holds no linear classifier.
    """
    content = load_checkpoint_file(path)
    if set(content) == _PLAIN:
        weight, bias = content['weight'], content['bias']
        shapes = [list(getattr(t, 'shape', ())) for t in (weight, bias)]
        if len(shapes[0]) != 2 or shapes[1] != shapes[0][:1]:
            raise ValueError(
                f'{path}: weight and bias must be tensors (K, D) and (K, ), '
                f'but are of shape {shapes[0]} and {shapes[1]}. '
                f'{_ACCEPTED}'
            )
        return LinearProbe(path, weight, bias, {}, None)
    try:
        source = read_source(path)
    except ValueError as error:
        raise ValueError(f'{error}. {_ACCEPTED}') from error
    head = linear_head(source)
    if not head:
        raise ValueError(f'{path} holds no classifier. {_ACCEPTED}')
    backbone = source.config_of('backbone')
    out_type = out_type_of(backbone) if 'type' in backbone else None
    return LinearProbe(
        path,
        head['weight'],
        head['bias'],
        source.encoder,
        {'cls_token': 'token', 'featmap': 'avg'}.get(out_type or ''),
    )


def with_linear_probe(
    encoder: EvaluatedClassifier, probe: LinearProbe
) -> EvaluatedClassifier:
    """Put a linear classifier on a frozen encoder.

    Args:
        encoder (EvaluatedClassifier): Its model returns features, (N, D).
        probe (LinearProbe): The classifier.

    Returns:
        EvaluatedClassifier: The two together.

    Raises:
        ValueError: If the classifier is for another number of channels, or
            was trained on other weights or with another pooling than the
            encoder's.
    """
    classes, channels = probe.weight.shape
    found = encoder.num_classes()
    if channels != found:
        raise ValueError(
            f'{probe.path} classifies {channels} channels, but '
            f'{encoder.name} has {found}'
        )
    frozen = encoder.model.model
    if isinstance(frozen, FrozenEncoder):
        if probe.pooling not in (None, frozen.resolved_pooling):
            raise ValueError(
                f'{probe.path} was trained with pooling {probe.pooling}, but '
                f'the encoder has {frozen.resolved_pooling}: leave --pooling '
                'out'
            )
        _check_encoder(frozen.backbone, encoder.checkpoint, probe)
    elif probe.encoder:
        raise ValueError(
            f'{probe.path} was trained on an encoder of mmpretrain, whose '
            f'weights it holds; {encoder.name} is one of timm. Give its '
            'CONFIG and CHECKPOINT, or a file with only weight and bias'
        )
    head = nn.Linear(channels, classes)
    head.load_state_dict(dict(weight=probe.weight, bias=probe.bias))
    return replace(
        encoder,
        name=f'{encoder.name} (linear)',
        model=encoder.model.with_head(head),
        head={**(encoder.head or {}), 'linear': probe.path},
    )


def _check_encoder(
    backbone: nn.Module, checkpoint: str | None, probe: LinearProbe
) -> None:
    weights = backbone.state_dict()
    norms = {k for k in weights if k.startswith('ln1.')} - {*probe.encoder}
    if probe.encoder and norms:
        raise ValueError(
            f'the classifier in {probe.path} was trained on features without '
            f'the final norm that the encoder has ({min(norms)}): give the '
            'CONFIG that the classifier was trained with'
        )
    for key, value in probe.encoder.items():
        own = weights.get(key)
        if own is None or not torch.equal(own.cpu(), value):
            raise ValueError(
                f'the classifier in {probe.path} was trained on another '
                f'encoder: its backbone.{key} is not that of {checkpoint}'
            )
