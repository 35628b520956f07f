# Copyright (c) aemim_mm contributors. All rights reserved.
"""AdamW for a batch of 256 on one CPU or GPU, 5 epochs, 1 of them warm-up."""

# optimizer wrapper
optim_wrapper = dict(
    type='OptimWrapper',
    # 1175 steps in all: ten times the base learning rate of long schedules
    optimizer=dict(
        type='AdamW', lr=1.5e-3, betas=(0.9, 0.95), weight_decay=0.05
    ),
    # the twins under `adv.` match the same keys as their clean parameters
    paramwise_cfg=dict(
        custom_keys={
            'ln': dict(decay_mult=0.0),
            'bias': dict(decay_mult=0.0),
            'pos_embed': dict(decay_mult=0.0),
            # with both of these, as mmpretrain's recipe for MAE
            'mask_token': dict(decay_mult=0.0),
            'cls_token': dict(decay_mult=0.0),
        }
    ),
)

# learning rate scheduler
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=0.0001,
        by_epoch=True,
        begin=0,
        end=1,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR',
        T_max=4,
        by_epoch=True,
        begin=1,
        end=5,
        convert_to_iter_based=True,
    ),
]

# runtime settings
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=5)

# NOTE: `auto_scale_lr` is for automatically scaling LR
# based on the actual training batch size.
auto_scale_lr = dict(base_batch_size=256)
