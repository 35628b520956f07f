# Copyright (c) aemim_mm contributors. All rights reserved.
"""A classifier over Swin-B, 224 px, window 7."""

# model settings
model = dict(
    type='ImageClassifier',
    backbone=dict(
        # resizes relative-position tables of another window
        type='ResizableSwin',
        arch='base',
        img_size=224,
        drop_path_rate=0.1,
        stage_cfgs=dict(block_cfgs=dict(window_size=7)),
        init_cfg=dict(type='Pretrained', checkpoint='', prefix='backbone.'),
    ),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='LinearClsHead',
        num_classes=1000,
        in_channels=1024,
        loss=dict(
            type='LabelSmoothLoss', label_smooth_val=0.1, mode='original'
        ),
        init_cfg=[dict(type='TruncNormal', layer='Linear', std=0.02)],
    ),
    train_cfg=dict(
        augments=[
            dict(type='Mixup', alpha=0.8),
            dict(type='CutMix', alpha=1.0),
        ]
    ),
)
