# Copyright (c) aemim_mm contributors. All rights reserved.
"""AdamW for a batch of 2048, 200 epochs of which 5 warm up (Table 2)."""

_base_ = './finetune_adamw_bs2048_100e.py'

# learning rate scheduler
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(T_max=195, end=200)

# runtime settings
train_cfg = dict(max_epochs=200)
