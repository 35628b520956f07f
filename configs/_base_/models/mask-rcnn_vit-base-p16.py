# Copyright (c) aemim_mm contributors. All rights reserved.
"""mmdet's Mask R-CNN over a plain ViT-B/16 with a pyramid."""

_base_ = 'mmdet::_base_/models/mask-rcnn_r50_fpn.py'

# model settings
model = dict(
    backbone=dict(
        _delete_=True,
        type='mmpretrain.VisionTransformer',
        arch='base',
        # the grid of the checkpoint; resized to the image in every forward
        img_size=224,
        patch_size=16,
        drop_path_rate=0.2,
        out_indices=[3, 5, 7, 11],
        out_type='featmap',
        # it would be applied to the last of the four maps alone
        final_norm=False,
        init_cfg=dict(type='Pretrained', checkpoint='', prefix='backbone.'),
    ),
    # strides 4, 8, 16 and 32 of one width, and 64 by the FPN
    neck=[
        dict(
            type='ViTPyramid',
            in_channels=768,
            norm_cfg=dict(type='SyncBN', requires_grad=True),
        ),
        dict(
            type='FPN',
            in_channels=[768, 768, 768, 768],
            out_channels=256,
            num_outs=5,
        ),
    ],
)
