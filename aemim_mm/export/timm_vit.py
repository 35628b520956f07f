# Copyright (c) aemim_mm contributors. All rights reserved.
"""A ViT for timm."""

from typing import Any

from torch import Tensor

from .keys import VIT_TO_TIMM, rename
from .vit import ViT

# (width, layers, heads): name and patch size.
_NAMES = {
    (192, 12, 3): ('vit_tiny_patch16_224', 16),
    (384, 12, 6): ('vit_small_patch16_224', 16),
    (768, 12, 12): ('vit_base_patch16_224', 16),
    (1024, 24, 16): ('vit_large_patch16_224', 16),
    (1280, 32, 16): ('vit_huge_patch14_224', 14),
}


def vit_weights(
    encoder: dict[str, Tensor], head: dict[str, Tensor] | None
) -> dict[str, Tensor]:
    """The weights by timm's keys.

    Args:
        encoder (dict[str, Tensor]): By mmpretrain's keys.
        head (dict[str, Tensor], optional): The linear classifier.

    Returns:
        dict[str, Tensor]: For ``timm.models.VisionTransformer``.
    """
    weights = rename(encoder, VIT_TO_TIMM)
    for name, value in (head or {}).items():
        weights[f'head.{name}'] = value
    return weights


def vit_model(vit: ViT, num_classes: int) -> tuple[str, dict[str, Any]]:
    """Name and arguments for ``timm.create_model``.

    Args:
        vit (ViT): The architecture.
        num_classes (int): 0 for none.

    Returns:
        tuple[str, dict[str, Any]]: The nearest named model, and what differs
        from it.

    Raises:
        ValueError: If timm cannot build that network.
    """
    if vit.norm and vit.pooled_norm:
        raise ValueError(
            "timm's ViT has one norm, before the pooling or after it; this "
            'encoder has both (ln1 and ln2: final_norm=True with '
            "out_type='avg_featmap'). Export with --to mmpretrain, or "
            'fine-tune with final_norm=False, as MAE does'
        )
    if vit.norm_eps != 1e-6:
        raise ValueError(
            f"the layer norms have eps={vit.norm_eps:g}, timm's have 1e-6. "
            'Export with --to mmpretrain'
        )
    key = (vit.embed_dims, vit.num_layers, vit.num_heads)
    kwargs: dict[str, Any] = {}
    if key in _NAMES:
        name, patch_size = _NAMES[key]
    else:
        name, patch_size = 'vit_base_patch16_224', 16
        kwargs.update(
            embed_dim=vit.embed_dims,
            depth=vit.num_layers,
            num_heads=vit.num_heads,
        )
    if vit.feedforward_channels != 4 * vit.embed_dims:
        kwargs['mlp_ratio'] = vit.feedforward_channels / vit.embed_dims
    if vit.patch_size != patch_size:
        kwargs['patch_size'] = vit.patch_size
    if vit.img_size != (224, 224):
        kwargs['img_size'] = list(vit.img_size)
    if vit.in_channels != 3:
        kwargs['in_chans'] = vit.in_channels
    if vit.pooling == 'avg':
        kwargs['global_pool'] = 'avg'
        if not vit.pooled_norm:
            kwargs['fc_norm'] = False
    if not vit.norm and not vit.pooled_norm:
        kwargs['final_norm'] = False
    return name, dict(kwargs, num_classes=num_classes)
