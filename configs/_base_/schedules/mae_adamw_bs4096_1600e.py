# Copyright (c) aemim_mm contributors. All rights reserved.
"""AdamW for a batch of 4096, 1600 epochs of which 40 warm up."""

_base_ = './mae_adamw_bs4096_300e.py'

# learning rate scheduler
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=0.0001,
        by_epoch=True,
        begin=0,
        end=40,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR',
        T_max=1560,
        by_epoch=True,
        begin=40,
        end=1600,
        convert_to_iter_based=True,
    ),
]

# runtime settings
train_cfg = dict(max_epochs=1600)
