# Copyright (c) aemim_mm contributors. All rights reserved.
"""A classifier over the encoder of mae_vit-tiny-p4, for 28 x 28 grey images.

The mean of the patch tokens is classified, as MAE's fine-tuning does: the
encoder's final norm (ln1) gives way to a new one after the mean (ln2).
"""

# model settings
model = dict(
    type='ImageClassifier',
    backbone=dict(
        type='VisionTransformer',
        arch=dict(
            embed_dims=64,
            num_layers=4,
            num_heads=2,
            feedforward_channels=256,
        ),
        img_size=28,
        patch_size=4,
        in_channels=1,
        out_type='avg_featmap',
        final_norm=False,
        init_cfg=dict(type='Pretrained', checkpoint='', prefix='backbone.'),
    ),
    neck=None,
    head=dict(
        type='LinearClsHead',
        num_classes=10,
        in_channels=64,
        loss=dict(type='CrossEntropyLoss', loss_weight=1.0),
        init_cfg=[dict(type='TruncNormal', layer='Linear', std=2e-5)],
    ),
)
