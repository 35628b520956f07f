# Copyright (c) aemim_mm contributors. All rights reserved.
"""ImageNet-1K for SimMIM: 192 px, 60 % of the 32 x 32 patches masked."""

_base_ = './imagenet_test_224.py'

# dataset settings
dataset_type = 'ImageNet'
data_root = 'data/imagenet/'
data_preprocessor = dict(
    type='SelfSupDataPreprocessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    to_rgb=True,
)

train_pipeline = [
    # a damaged image is logged and replaced by another one; none is turned by
    # its EXIF data, as with Pillow and in the robustness suite
    dict(type='LoadImageOrSkip', color_type='color_ignore_orientation'),
    # as the official SimMIM: antialiased
    dict(
        type='FastRandomResizedCrop',
        scale=192,
        crop_ratio_range=(0.67, 1.0),
        backend='pillow',
        interpolation='bilinear',
    ),
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='SimMIMMaskGenerator',
        input_size=192,
        mask_patch_size=32,
        model_patch_size=4,
        mask_ratio=0.6,
    ),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    batch_size=256,
    drop_last=True,
    num_workers=8,
    # Workers are started anew for each epoch and seeded for it, so that a
    # resumed run sees the images an uninterrupted one would have seen.
    persistent_workers=False,
    worker_init_fn=dict(type='seed_worker'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='train',
        pipeline=train_pipeline,
    ),
)

# the center of 192 x 192 pixels
test_pipeline = [
    dict(type='LoadImageFromFile', color_type='color_ignore_orientation'),
    dict(
        type='ResizeEdge',
        scale=219,
        edge='short',
        backend='pillow',
        interpolation='bicubic',
    ),
    dict(type='CenterCrop', crop_size=192),
    dict(type='PackInputs'),
]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
