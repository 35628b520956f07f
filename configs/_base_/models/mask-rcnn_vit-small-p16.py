# Copyright (c) aemim_mm contributors. All rights reserved.
"""mmdet's Mask R-CNN over a plain ViT-S/16 with a pyramid.

mmpretrain calls ViT-S/16 'deit-small'; its 'small' is 768 x 8 layers.
"""

_base_ = './mask-rcnn_vit-base-p16.py'

# model settings
model = dict(
    backbone=dict(arch='deit-small', drop_path_rate=0.1),
    neck=[
        dict(
            type='ViTPyramid',
            in_channels=384,
            norm_cfg=dict(type='SyncBN', requires_grad=True),
        ),
        dict(
            type='FPN',
            in_channels=[384, 384, 384, 384],
            out_channels=256,
            num_outs=5,
        ),
    ],
)
