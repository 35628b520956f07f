# Copyright (c) aemim_mm contributors. All rights reserved.
"""MAE with a tiny ViT for 28 x 28 grey images: 49 patches of 4 x 4."""

_base_ = './mae_vit-base-p16.py'

# model settings
model = dict(
    backbone=dict(
        # not a key of the base's arch, which is a name
        arch=dict(
            _delete_=True,
            embed_dims=64,
            num_layers=4,
            num_heads=2,
            feedforward_channels=256,
        ),
        img_size=28,
        patch_size=4,
        patch_cfg=dict(in_channels=1),
    ),
    neck=dict(
        num_patches=49,
        patch_size=4,
        in_chans=1,
        embed_dim=64,
        decoder_embed_dim=48,
        decoder_depth=1,
        decoder_num_heads=2,
    ),
    head=dict(patch_size=4, in_channels=1),
)
