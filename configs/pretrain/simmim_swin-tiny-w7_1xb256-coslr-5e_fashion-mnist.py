# Copyright (c) aemim_mm contributors. All rights reserved.
r"""SimMIM, a Swin of one stage, 5 epochs on Fashion-MNIST, for a CPU.

The baseline of the small counterpart of Table 9; the paper has no such row.
28 x 28 pixels are 7 x 7 patches, one window. Cost of an epoch: 1x, the
reference.

Command::

    python tools/train.py \
    configs/pretrain/simmim_swin-tiny-w7_1xb256-coslr-5e_fashion-mnist.py
"""

_base_ = [
    '../_base_/datasets/fashion-mnist_bs256_mae.py',
    '../_base_/schedules/mae_adamw_bs256_5e.py',
    # without pictures: SimMIM's head does not give pixels patch by patch
    '../_base_/default_runtime.py',
]

# model settings
model = dict(
    type='SimMIM',
    backbone=dict(
        type='SimMIMSwinTransformer',
        arch=dict(embed_dims=64, depths=[4], num_heads=[2]),
        img_size=28,
        in_channels=1,
        out_indices=(0,),
        drop_path_rate=0.0,
        stage_cfgs=dict(block_cfgs=dict(window_size=7)),
    ),
    neck=dict(type='SimMIMLinearDecoder', in_channels=64, encoder_stride=4),
    head=dict(
        type='SimMIMHead',
        patch_size=4,
        loss=dict(type='PixelReconstructionLoss', criterion='L1', channel=1),
    ),
)

# dataset settings
train_pipeline = [
    dict(type='RandomCrop', crop_size=28, padding=2),
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='SimMIMMaskGenerator',
        input_size=28,
        mask_patch_size=4,
        model_patch_size=4,
        mask_ratio=0.6,
    ),
    dict(type='PackInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

# optimizer wrapper
optim_wrapper = dict(
    paramwise_cfg=dict(
        custom_keys=dict(
            _delete_=True,
            norm=dict(decay_mult=0.0),
            bias=dict(decay_mult=0.0),
            relative_position_bias_table=dict(decay_mult=1.0),
            mask_token=dict(decay_mult=0.0),
        )
    )
)

# runtime settings
# five lines in each epoch of 235 iterations, each the mean over its 47
default_hooks = dict(logger=dict(interval=47))
