# Copyright (c) aemim_mm contributors. All rights reserved.
r"""Fine-tuning of ViT-tiny/4 on Fashion-MNIST, 4 epochs, for a CPU.

By default from the AEMIM checkpoint that its recipe leaves in `work_dirs`;
from another one with
`--cfg-options model.backbone.init_cfg.checkpoint=PATH`. The paper has no such
row. This is what `make demo` runs.

Command::

    python tools/train.py \
    configs/finetune/vit-tiny-p4_1xb256-coslr-4e_fashion-mnist.py
"""

_base_ = [
    '../_base_/models/vit-tiny-p4.py',
    '../_base_/datasets/fashion-mnist_bs256.py',
    '../_base_/default_runtime.py',
]

# model settings
pretrained = 'aemim_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist'
model = dict(
    backbone=dict(
        init_cfg=dict(checkpoint=f'work_dirs/{pretrained}/epoch_5.pth')
    )
)

# optimizer wrapper
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(
        type='AdamW', lr=4e-3, betas=(0.9, 0.999), weight_decay=0.05
    ),
    constructor='LearningRateDecayOptimWrapperConstructor',
    paramwise_cfg=dict(
        layer_decay_rate=0.9,
        custom_keys={
            '.ln': dict(decay_mult=0.0),
            '.bias': dict(decay_mult=0.0),
            '.cls_token': dict(decay_mult=0.0),
            '.pos_embed': dict(decay_mult=0.0),
        },
    ),
)

# learning rate scheduler
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=1e-4,
        by_epoch=True,
        begin=0,
        end=1,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR',
        T_max=3,
        by_epoch=True,
        begin=1,
        end=4,
        convert_to_iter_based=True,
    ),
]

# runtime settings
train_cfg = dict(by_epoch=True, max_epochs=4, val_interval=1)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(logger=dict(interval=50))

# NOTE: `auto_scale_lr` is for automatically scaling LR
# based on the actual training batch size.
auto_scale_lr = dict(base_batch_size=256)
