# Copyright (c) aemim_mm contributors. All rights reserved.
r"""AEMIM, Swin-B, on images of your own.

The images are named by `data_root`, the weights to start from, if any, by
`init`: docs/your_images.md.
It is no recipe of the paper, and was not run at scale here.
Cost of an iteration relative to SimMIM: 8/3 = 2.7x by counting passes of
the encoder.

Command::

    python tools/train.py \
    configs/pretrain/your_images/aemim_swin-base.py \
    --cfg-options data_root=/photos
"""

_base_ = [
    '../../_base_/models/simmim_swin-base-w6.py',
    '../../_base_/datasets/your_images.py',
    '../../_base_/schedules/your_images_adamw_20k.py',
    '../../_base_/your_images_runtime.py',
]

# model settings
model = dict(
    type='AEMIMAlgorithm',
    method='SimMIM',
    attack=dict(type='FeatureDistancePGD', epsilon=2, num_steps=1),
    adapters=('norm',),
    adv_ratio=1.0,
    loss_ratio=0.5,
    # 224 px in windows of 7, as the fine-tuning and timm's models
    backbone=dict(
        img_size=224, stage_cfgs=dict(block_cfgs=dict(window_size=7))
    ),
)

# dataset settings
train_pipeline = _base_.train_pipeline
# as the official SimMIM
train_pipeline[1].update(
    crop_ratio_range=(0.67, 1.0), interpolation='bilinear'
)
train_pipeline.insert(
    3,
    dict(
        type='SimMIMMaskGenerator',
        input_size=224,
        mask_patch_size=32,
        model_patch_size=4,
        mask_ratio=0.6,
    ),
)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

# optimizer wrapper
optim_wrapper = dict(
    # SimMIM's rate for each 256 images
    optimizer=dict(lr=1e-4, betas=(0.9, 0.999)),
    clip_grad=dict(max_norm=5.0),
    paramwise_cfg=dict(
        custom_keys={
            'norm': dict(decay_mult=0.0),
            'relative_position_bias_table': dict(decay_mult=1.0),
            'mask_token': dict(decay_mult=0.0),
        }
    ),
)

# runtime settings
custom_hooks = _base_.custom_hooks
# an encoder to start from has no mask token
next(h for h in custom_hooks if h['type'] == 'CheckpointFitHook').update(
    allow_missing=('*relative_position_index', 'mask_token')
)
