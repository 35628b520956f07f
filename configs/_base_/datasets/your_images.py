# Copyright (c) aemim_mm contributors. All rights reserved.
"""Images of one's own for pre-training: random crop and flip of 224 px."""

# dataset settings
dataset_type = 'ImageFiles'
data_preprocessor = dict(
    type='SelfSupDataPreprocessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    to_rgb=True,
)

train_pipeline = [
    # a damaged image is logged and replaced by another one; none is turned by
    # its EXIF data
    dict(type='LoadImageOrSkip', color_type='color_ignore_orientation'),
    dict(
        type='FastRandomResizedCrop',
        scale=224,
        crop_ratio_range=(0.2, 1.0),
        backend='torch',
        interpolation='bicubic',
    ),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    batch_size=64,
    num_workers=4,
    persistent_workers=False,
    worker_init_fn=dict(type='seed_worker'),
    # every image once before any a second time; a batch is always full, also
    # where there are fewer images than it holds
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    # `data_root` is given by the option of this name
    dataset=dict(type=dataset_type, data_root='', pipeline=train_pipeline),
)

# how images are read for features: the center of 224 x 224 pixels, or the
# whole image where `img_size` is no square
test_pipeline = [
    dict(
        type='LoadImageOrSkip',
        test_mode=True,
        color_type='color_ignore_orientation',
    ),
    dict(type='FitToEncoder', img_size=224),
    dict(type='PackInputs'),
]
test_dataloader = dict(
    batch_size=64,
    num_workers=4,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(type=dataset_type, data_root='', pipeline=test_pipeline),
)
test_cfg = dict()
test_evaluator = []
