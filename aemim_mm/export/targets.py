# Copyright (c) aemim_mm contributors. All rights reserved.
"""The three libraries an encoder can be exported to."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from .architecture import Architecture
from .classifier import linear_classifier
from .metadata import normalization
from .openmmlab import mmdet_weights, mmpretrain_weights
from .source import Source
from .timm_swin import swin_model, swin_weights
from .timm_vit import vit_model, vit_weights
from .vit import ViT

TARGETS = ('mmpretrain', 'mmdet', 'timm')


def target_weights(
    source: Source,
    architecture: Architecture,
    target: str,
) -> dict[str, Tensor]:
    """The weights as the target names and orders them.

    Args:
        source (Source): The checkpoint.
        architecture (ViT | Swin): Of its encoder.
        target (str): One of ``TARGETS``.

    Returns:
        dict[str, Tensor]: The weights, contiguous.

    Raises:
        ValueError: If the target is unknown or has no such network.
    """
    if target == 'mmpretrain':
        weights = mmpretrain_weights(source)
    elif target == 'mmdet':
        weights = mmdet_weights(source.encoder)
    elif target == 'timm':
        head = linear_classifier(source)
        timm_model(architecture, 0 if head is None else len(head['bias']))
        convert = (
            vit_weights if isinstance(architecture, ViT) else swin_weights
        )
        weights = convert(source.encoder, head)
    else:
        raise ValueError(f'unknown target {target!r}; it is one of {TARGETS}')
    return {key: value.contiguous() for key, value in weights.items()}


def timm_model(
    architecture: Architecture, num_classes: int
) -> tuple[str, dict[str, Any]]:
    """Name and arguments for ``timm.create_model``.

    Args:
        architecture (ViT | Swin): The architecture.
        num_classes (int): 0 for none.

    Returns:
        tuple[str, dict[str, Any]]: The name and the arguments.
    """
    model = vit_model if isinstance(architecture, ViT) else swin_model
    return model(architecture, num_classes)


def load_code(
    source: Source, architecture: Architecture, target: str, out: str
) -> str:
    """The code by which the target loads the file.

    Args:
        source (Source): The checkpoint.
        architecture (ViT | Swin): Of its encoder.
        target (str): One of ``TARGETS``.
        out (str): The name of the file.

    Returns:
        str: A line of Python, or of a config.
    """
    if target == 'timm':
        head = linear_classifier(source)
        name, kwargs = timm_model(
            architecture, 0 if head is None else len(head['bias'])
        )
        overlay = _timm_normalization(source.config)
        if overlay:
            # timm's own values for these names are others
            kwargs['pretrained_cfg_overlay'] = overlay
        arguments = ''.join(f', {k}={v!r}' for k, v in kwargs.items())
        return (
            f'timm.create_model({name!r}, checkpoint_path={out!r}{arguments})'
        )
    # mmdet's Swin Transformer takes that prefix by itself and ignores it here
    init_cfg = dict(type='Pretrained', checkpoint=out, prefix='backbone.')
    arguments = ', '.join(f'{k}={v!r}' for k, v in init_cfg.items())
    return f'model.backbone.init_cfg=dict({arguments})'


def _timm_normalization(config: Mapping[str, Any]) -> dict[str, list[float]]:
    """Mean and deviation of pixels in 0-1, by timm's names."""
    known = normalization(config)
    return {
        name: [round(value / 255, 6) for value in known[name]]
        for name in ('mean', 'std')
        if name in known
    }
