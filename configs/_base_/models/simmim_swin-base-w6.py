# Copyright (c) aemim_mm contributors. All rights reserved.
"""SimMIM with Swin-B, window 6, for 192 x 192 images.

The official SimMIM pre-trains without stochastic depth; mmpretrain's class
has a drop path rate of 0.1 by default.
"""

# model settings
model = dict(
    type='SimMIM',
    backbone=dict(
        type='SimMIMSwinTransformer',
        arch='base',
        img_size=192,
        drop_path_rate=0.0,
        stage_cfgs=dict(block_cfgs=dict(window_size=6)),
    ),
    neck=dict(type='SimMIMLinearDecoder', in_channels=1024, encoder_stride=32),
    head=dict(
        type='SimMIMHead',
        patch_size=4,
        loss=dict(type='PixelReconstructionLoss', criterion='L1', channel=3),
    ),
)
