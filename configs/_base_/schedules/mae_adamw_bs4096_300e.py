# Copyright (c) aemim_mm contributors. All rights reserved.
"""AdamW for a batch of 4096, 300 epochs of which 15 warm up (Table 1)."""

# optimizer wrapper
optim_wrapper = dict(
    type='AmpOptimWrapper',
    loss_scale='dynamic',
    optimizer=dict(
        type='MergedAdamW',
        lr=1.5e-4 * 4096 / 256,
        betas=(0.9, 0.95),
        weight_decay=0.05,
        # with MergedAdamW, a kernel for all weights of the same settings:
        # the same values as AdamW's up to rounding
        fused=True,
    ),
    # the twins under `adv.` match the same keys as their clean parameters
    paramwise_cfg=dict(
        custom_keys={
            'ln': dict(decay_mult=0.0),
            'bias': dict(decay_mult=0.0),
            'pos_embed': dict(decay_mult=0.0),
            # as in MAE's code, class token and mask token do decay
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
        end=15,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR',
        T_max=285,
        by_epoch=True,
        begin=15,
        end=300,
        convert_to_iter_based=True,
    ),
]

# runtime settings
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=300)

# NOTE: `auto_scale_lr` is for automatically scaling LR
# based on the actual training batch size.
auto_scale_lr = dict(base_batch_size=4096)
