# Copyright (c) aemim_mm contributors. All rights reserved.
"""An encoder for mmpretrain and for mmdet."""

from typing import Any

from torch import Tensor

from .architecture import Architecture
from .source import Source
from .vit import ViT


def mmpretrain_weights(source: Source) -> dict[str, Tensor]:
    """The clean encoder under ``backbone.``, and the classifier if any.

    Args:
        source (Source): The checkpoint.

    Returns:
        dict[str, Tensor]: By mmpretrain's keys.
    """
    parts = dict(backbone=source.encoder, neck=source.neck, head=source.head)
    return {
        f'{part}.{key}': value
        for part, weights in parts.items()
        for key, value in weights.items()
    }


def mmdet_weights(encoder: dict[str, Tensor]) -> dict[str, Tensor]:
    """The encoder under ``backbone.``, without what a detector has not.

    mmdet's Swin Transformer has mmpretrain's keys and order of channels. It
    resizes the tables of relative positions to other windows, but not the
    index that goes with them, and refuses the load: it makes that index
    itself.

    Args:
        encoder (dict[str, Tensor]): By mmpretrain's keys.

    Returns:
        dict[str, Tensor]: The weights; the norm after average pooling
        (``ln2``) and ``relative_position_index`` are left out.
    """
    return {
        f'backbone.{key}': value
        for key, value in encoder.items()
        if not key.startswith('ln2.')
        and not key.endswith('relative_position_index')
    }


def mmdet_backbone(architecture: Architecture) -> dict[str, Any]:
    """The ``backbone`` of a config of mmdet, without its ``init_cfg``.

    Args:
        architecture (ViT | Swin): The architecture.

    Returns:
        dict[str, Any]: A config that gives one map per block (ViT) or per
        stage with a norm (Swin).
    """
    if isinstance(architecture, ViT):
        return architecture.backbone(
            out_type='featmap',
            out_indices=list(range(architecture.num_layers)),
        )
    swin = architecture
    return dict(
        type='mmdet.SwinTransformer',
        pretrain_img_size=swin.img_size,
        embed_dims=swin.embed_dims,
        patch_size=swin.patch_size,
        strides=(swin.patch_size, *(2,) * (len(swin.depths) - 1)),
        in_channels=swin.in_channels,
        window_size=swin.window_size,
        depths=swin.depths,
        num_heads=swin.num_heads,
        out_indices=swin.norms,
        drop_path_rate=0.0,
    )
