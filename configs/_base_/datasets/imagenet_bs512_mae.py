# Copyright (c) aemim_mm contributors. All rights reserved.
"""ImageNet-1K for pre-training: random crop and flip, 512 images per GPU."""

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
    dict(
        type='FastRandomResizedCrop',
        scale=224,
        crop_ratio_range=(0.2, 1.0),
        # 'pillow' gives the pixels of MAE's code bit for bit, at 3 / 5
        # of the speed: docs/data_loading.md
        backend='torch',
        interpolation='bicubic',
    ),
    # a tensor is flipped and packed in less time than an array
    dict(type='ImageToTensor', keys=['img']),
    dict(type='torchvision/RandomHorizontalFlip', p=0.5),
    # leaves gt_label, sample_idx, ori_shape and img_shape behind, which would
    # go from worker to main process one by one; a hook that needs one of them
    # adds its name here
    dict(type='Collect', keys=['img', 'img_path']),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    batch_size=512,
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
