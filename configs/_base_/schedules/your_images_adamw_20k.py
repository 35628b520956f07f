# Copyright (c) aemim_mm contributors. All rights reserved.
"""AdamW for 20000 iterations of which 1000 warm up, on one GPU or a CPU.

The rate is MAE's, 1.5e-4 for each 256 images of a batch, scaled to the batch
that the run really has.
"""

# optimizer wrapper
optim_wrapper = dict(
    type='AmpOptimWrapper',
    loss_scale='dynamic',
    optimizer=dict(
        type='AdamW', lr=1.5e-4, betas=(0.9, 0.95), weight_decay=0.05
    ),
    # the twins under `adv.` match the same keys as their clean parameters
    paramwise_cfg=dict(
        custom_keys={
            'ln': dict(decay_mult=0.0),
            'bias': dict(decay_mult=0.0),
            'pos_embed': dict(decay_mult=0.0),
        }
    ),
)

# learning rate scheduler
param_scheduler = [
    dict(
        type='LinearLR', start_factor=0.0001, by_epoch=False, begin=0, end=1000
    ),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=1000, end=20000),
]

# runtime settings
train_cfg = dict(type='IterBasedTrainLoop', max_iters=20000)

# NOTE: `auto_scale_lr` is for automatically scaling LR
# based on the actual training batch size.
auto_scale_lr = dict(base_batch_size=256, enable=True)
