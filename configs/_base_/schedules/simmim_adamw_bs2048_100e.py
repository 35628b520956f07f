# Copyright (c) aemim_mm contributors. All rights reserved.
"""AdamW of SimMIM for a batch of 2048, 100 epochs of which 10 warm up."""

# optimizer wrapper
optim_wrapper = dict(
    type='AmpOptimWrapper',
    loss_scale='dynamic',
    optimizer=dict(
        type='MergedAdamW',
        lr=2e-4 * 2048 / 512,
        betas=(0.9, 0.999),
        weight_decay=0.05,
        # with MergedAdamW, a kernel for all weights of the same settings:
        # the same values as AdamW's up to rounding
        fused=True,
    ),
    clip_grad=dict(max_norm=5.0),
    # the twins under `adv.` match the same keys as their clean parameters
    paramwise_cfg=dict(
        custom_keys={
            'norm': dict(decay_mult=0.0),
            'bias': dict(decay_mult=0.0),
            'absolute_pos_embed': dict(decay_mult=0.0),
            # the next two as in the official SimMIM, whose rule for the tables
            # matches none of them in pre-training
            'relative_position_bias_table': dict(decay_mult=1.0),
            'mask_token': dict(decay_mult=0.0),
        }
    ),
)

# learning rate scheduler
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=1e-6 / 2e-4,
        by_epoch=True,
        begin=0,
        end=10,
        convert_to_iter_based=True,
    ),
    # over all 100 epochs, of which the warm-up replaces the first
    dict(
        type='WholeRunCosineLR',
        eta_min=1e-5 * 2048 / 512,
        by_epoch=True,
        begin=10,
        end=100,
        convert_to_iter_based=True,
    ),
]

# runtime settings
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=100)

# NOTE: `auto_scale_lr` is for automatically scaling LR
# based on the actual training batch size.
auto_scale_lr = dict(base_batch_size=2048)
