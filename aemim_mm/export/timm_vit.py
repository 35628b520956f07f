# Copyright (c) aemim_mm contributors. All rights reserved.
"""A ViT for timm."""

from typing import Any

from .timm_network import Rule, TimmNetwork
from .vit import ViT

_WB = r'(weight|bias)'

# (width, layers, heads): name and patch size.
_NAMES = {
    (192, 12, 3): ('vit_tiny_patch16_224', 16),
    (384, 12, 6): ('vit_small_patch16_224', 16),
    (768, 12, 12): ('vit_base_patch16_224', 16),
    (1024, 24, 16): ('vit_large_patch16_224', 16),
    (1280, 32, 16): ('vit_huge_patch14_224', 14),
}


def vit_arguments(vit: ViT) -> tuple[str, dict[str, Any]]:
    """Name and arguments for ``timm.create_model``, the classes left open.

    The nearest named model, and what differs from it. ValueError if timm
    cannot build that network.
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
    return name, kwargs


VIT = TimmNetwork(
    rules=(
        Rule(r'(cls_token|pos_embed)', r'\1'),
        Rule(rf'patch_embed\.projection\.{_WB}', r'patch_embed.proj.\1'),
        Rule(rf'layers\.(\d+)\.ln([12])\.{_WB}', r'blocks.\1.norm\2.\3'),
        Rule(
            rf'layers\.(\d+)\.attn\.(qkv|proj)\.{_WB}', r'blocks.\1.attn.\2.\3'
        ),
        Rule(
            rf'layers\.(\d+)\.ffn\.layers\.0\.0\.{_WB}',
            r'blocks.\1.mlp.fc1.\2',
        ),
        Rule(
            rf'layers\.(\d+)\.ffn\.layers\.1\.{_WB}', r'blocks.\1.mlp.fc2.\2'
        ),
        Rule(rf'ln1\.{_WB}', r'norm.\1'),
        Rule(rf'ln2\.{_WB}', r'fc_norm.\1'),
    ),
    head='head',
    arguments=vit_arguments,
)
