# Copyright (c) aemim_mm contributors. All rights reserved.
r"""Linear probing of ViT-tiny/4 on Fashion-MNIST, 4 epochs, for a CPU.

The encoder is frozen; a linear layer trains on the mean of its patch tokens.
By default from the AEMIM checkpoint that its recipe leaves in `work_dirs`;
from another one with
`--cfg-options model.backbone.init_cfg.checkpoint=PATH`. The paper has no such
row.

Command::

    python tools/train.py \
    configs/finetune/vit-tiny-p4_1xb256-linear-coslr-4e_fashion-mnist.py
"""

_base_ = './vit-tiny-p4_1xb256-coslr-4e_fashion-mnist.py'

# model settings
model = dict(
    backbone=dict(frozen_stages=4, final_norm=True, out_type='featmap'),
    neck=dict(_delete_=True, type='GlobalAveragePooling'),
    head=dict(init_cfg=[dict(type='TruncNormal', layer='Linear', std=0.01)]),
)

# optimizer wrapper
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-2, weight_decay=0.0),
    constructor='DefaultOptimWrapperConstructor',
    paramwise_cfg=None,
)
