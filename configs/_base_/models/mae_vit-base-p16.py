# Copyright (c) aemim_mm contributors. All rights reserved.
"""MAE with ViT-B/16 and the 8-layer decoder of the paper.

The paper writes "512 dimensions, 12 heads" for the decoder; 512 is not
divisible by 12, so the 16 heads of MAE's release are used.
"""

# model settings
model = dict(
    type='MAE',
    backbone=dict(
        type='DualNormViT', arch='b', patch_size=16, mask_ratio=0.75
    ),
    neck=dict(
        type='MAEMaskedDecoder',
        patch_size=16,
        in_chans=3,
        embed_dim=768,
        decoder_embed_dim=512,
        decoder_depth=8,
        decoder_num_heads=16,
        mlp_ratio=4.0,
    ),
    head=dict(
        type='MAEMaskedHead',
        norm_pix=True,
        patch_size=16,
        loss=dict(type='PixelReconstructionLoss', criterion='L2'),
    ),
    init_cfg=[
        dict(type='Xavier', layer='Linear', distribution='uniform'),
        dict(type='Constant', layer='LayerNorm', val=1.0, bias=0.0),
    ],
)
