# Copyright (c) aemim_mm contributors. All rights reserved.
r"""AEMIM, ViT-Ti/16, 200 epochs on 24 images without labels, for a CPU.

The first half of the small detection example, `docs/mini_coco.md`: the images
are those of `tools/make_mini_coco.py`, and Mask R-CNN starts from the result:
`configs/coco/mask-rcnn_vit-tiny-p16_plain-fpn_1xb2-100e_mini-coco.py`. The
settings of AEMIM are those of the paper's Table 1; the paper has no such row.
Cost of an epoch relative to MAE: between 2x and 10/3x by operation count, the
more the larger the encoder's share.

Command::

    python tools/train.py \
    configs/pretrain/aemim_vit-tiny-p16_1xb8-coslr-200e_mini-coco.py
"""

_base_ = [
    '../_base_/models/mae_vit-base-p16.py',
    '../_base_/datasets/imagenet_bs512_mae.py',
    '../_base_/schedules/mae_adamw_bs256_5e.py',
    '../_base_/default_runtime.py',
]

# model settings
model = dict(
    type='AEMIMAlgorithm',
    method='MAE',
    attack=dict(type='FeatureDistancePGD', epsilon=2, num_steps=2),
    adapters=('norm',),
    adv_ratio=1.0,
    loss_ratio=0.5,
    # ViT-Ti/16: 192 dimensions, 12 layers, 3 heads; 10 x 10 patches
    backbone=dict(arch='deit-tiny', img_size=160),
    neck=dict(
        num_patches=100,
        embed_dim=192,
        decoder_embed_dim=96,
        decoder_depth=2,
        decoder_num_heads=3,
    ),
)

# dataset settings
# 160 x 160 pixels of images of 224 x 160
train_pipeline = [
    dict(type='LoadImageOrSkip'),
    dict(
        type='FastRandomResizedCrop',
        scale=160,
        crop_ratio_range=(0.2, 1.0),
        backend='pillow',
        interpolation='bicubic',
    ),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackInputs'),
]
train_dataloader = dict(
    batch_size=8,
    # three batches per epoch: not worth a worker process
    num_workers=0,
    dataset=dict(
        _delete_=True,
        type='CustomDataset',
        data_root='data/mini_coco/',
        data_prefix='train2017',
        with_label=False,
        pipeline=train_pipeline,
    ),
)
# how images are read for features
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='CenterCrop', crop_size=160),
    dict(type='PackInputs'),
]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

# optimizer wrapper
optim_wrapper = dict(optimizer=dict(lr=5e-4))

# learning rate scheduler
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=0.0001,
        by_epoch=True,
        begin=0,
        end=10,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR',
        T_max=190,
        by_epoch=True,
        begin=10,
        end=200,
        convert_to_iter_based=True,
    ),
]

# runtime settings
train_cfg = dict(max_epochs=200)
default_hooks = dict(logger=dict(interval=3), checkpoint=dict(interval=100))
custom_hooks = [
    *_base_.custom_hooks,
    # draw reconstructions twice.
    dict(type='ReconstructionHook', interval=100),
]

# NOTE: `auto_scale_lr` is for automatically scaling LR
# based on the actual training batch size.
auto_scale_lr = dict(base_batch_size=8)
