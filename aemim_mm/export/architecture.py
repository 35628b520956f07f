# Copyright (c) aemim_mm contributors. All rights reserved.
"""Which network the weights of an encoder belong to."""

from collections.abc import Mapping
from typing import Any

from mmpretrain.registry import MODELS
from torch import Tensor

from ..checkpoints.fit import fit_checkpoint
from ..checkpoints.misfit import describe_keys
from .source import Source
from .swin import Swin, swin_of
from .vit import ViT, vit_of

Architecture = ViT | Swin


def find_architecture(source: Source) -> Architecture:
    """Find out the architecture, from the config and the shapes.

    Shapes tell all but a few things, such as the number of heads of a ViT.
    Those come from the config of the run, or without one from a table of the
    usual sizes.

    Args:
        source (Source): The checkpoint.

    Returns:
        ViT | Swin: An architecture that has exactly the encoder's keys.

    Raises:
        ValueError: If it is none of the two, if something cannot be found
            out, or if the config contradicts the weights.
    """
    encoder = source.encoder
    backbone = backbone_config(source.config)
    if 'pos_embed' in encoder and 'layers.0.ln1.weight' in encoder:
        architecture: Architecture = vit_of(
            encoder, backbone, source.config.get('model') or {}
        )
        if source.head and not backbone and not architecture.pooled_norm:
            raise ValueError(
                f'{source.path} holds a classifier but no config: weights do '
                'not tell whether it classifies the class token or the mean '
                'of the patches. Pass the config file of the run with --config'
            )
    elif any('w_msa.relative_position_bias_table' in k for k in encoder):
        architecture = swin_of(encoder, backbone)
    else:
        raise ValueError(
            f'{source.path}: the encoder '
            f'({backbone.get("type", "of unknown type")}, keys such as '
            f'{list(encoder)[:3]}) is neither a VisionTransformer nor a '
            f'SwinTransformer. {_WAY_OUT}'
        )
    _require_fit(source, architecture)
    return architecture


_WAY_OUT = (
    'Only these two can be exported; mmpretrain itself loads the checkpoint '
    "as it is, by init_cfg=dict(type='Pretrained', checkpoint=..., "
    "prefix='backbone.')"
)


def backbone_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config of the encoder; empty if there is none."""
    model = config.get('model')
    backbone = model.get('backbone') if isinstance(model, Mapping) else None
    return dict(backbone) if isinstance(backbone, Mapping) else {}


def _require_fit(source: Source, architecture: Architecture) -> None:
    """The encoder must have the keys and shapes of the plain network."""
    encoder: dict[str, Tensor] = source.encoder
    model = MODELS.build(architecture.backbone())
    fit = fit_checkpoint(model, encoder)
    problems = (
        describe_keys('missing in the file', fit.missing)
        + describe_keys('not in that network', fit.unexpected)
        + describe_keys('different shapes', fit.mismatched)
    )
    if problems:
        raise ValueError(
            f'{source.path}: the encoder is not a plain '
            f'{architecture}:{problems}\nEither the file is incomplete, or '
            f'it is a variant of that network. {_WAY_OUT}'
        )
