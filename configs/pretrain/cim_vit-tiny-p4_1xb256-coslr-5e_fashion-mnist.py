# Copyright (c) aemim_mm contributors. All rights reserved.
r"""CIM-RESPIX, ViT-tiny/4, 5 epochs on Fashion-MNIST, for a CPU.

The small counterpart of CIM; the paper has no such row. 28 x 28 grey pixels
are too few for DALL-E's tokenizer. A plain one stands in for it, without
weights: the token of a patch is its mean grey, one of 32, so that a corrupted
image is a mosaic of 7 x 7 flat patches. What it shows is that the parts work
together, not what CIM is worth.
Cost of an epoch relative to MAE: not measured.

Command::

    python tools/train.py \
    configs/pretrain/cim_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py
"""

_base_ = [
    '../_base_/datasets/fashion-mnist_bs256_mae.py',
    '../_base_/schedules/mae_adamw_bs256_5e.py',
    # without pictures: those are of masked images
    '../_base_/default_runtime.py',
]

# model settings
model = dict(
    type='CIM',
    # the encoder of the other recipes for Fashion-MNIST
    backbone=dict(
        type='DualNormViT',
        arch=dict(
            embed_dims=64,
            num_layers=4,
            num_heads=2,
            feedforward_channels=256,
        ),
        img_size=28,
        patch_size=4,
        patch_cfg=dict(in_channels=1),
        mask_ratio=0.0,
        out_type='raw',
        init_cfg=[
            dict(type='Xavier', layer='Linear', distribution='uniform'),
            dict(type='Constant', layer='LayerNorm', val=1.0, bias=0.0),
        ],
    ),
    generator=dict(
        type='CIMGenerator',
        arch=dict(
            embed_dims=32,
            num_layers=2,
            num_heads=1,
            feedforward_channels=128,
        ),
        img_size=28,
        patch_size=4,
        in_channels=1,
        num_embed=32,
        layer_scale_init_value=0.1,
    ),
    head=dict(
        type='CIMHead', embed_dims=64, window=5, patch_size=4, in_channels=1
    ),
    target_generator=dict(type='PatchMeanTokenizer', num_embed=32),
    mask_ratio=0.55,
)

# dataset settings
data_preprocessor = dict(
    type='TwoNormDataPreprocessor',
    # the tokenizer takes grey values in [0, 1]
    second_mean=[0.0],
    second_std=[255.0],
)
train_pipeline = [
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='RandomResizedCropAndInterpolationWithTwoPic',
        size=28,
        second_size=28,
        interpolation='bicubic',
        second_interpolation='bicubic',
        scale=(0.6, 1.0),
    ),
    dict(type='PackInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

# runtime settings
# five lines in each epoch of 235 iterations, each the mean over its 47
default_hooks = dict(logger=dict(interval=47))
