# Copyright (c) aemim_mm contributors. All rights reserved.
"""Ablation of AEMIM, ViT-S/16: 3 attack steps.

Paper: Table 8(b): 81.4 % top-1 after fine-tuning; the base, 2 steps,
has 81.4 %.
That number is the paper's: this recipe was not run at scale here.
Cost of an epoch relative to MAE: 2.3x by operation count (base: 2.2x).
The step size follows the key: mu = epsilon / T = 2/3; the base has 1.

Command::

    recipe=aemim_vit-small-p16_steps3_8xb512-amp-coslr-300e_in1k.py
    tools/dist_train.sh configs/pretrain/ablations/$recipe 8
"""

_base_ = '../aemim_vit-small-p16_8xb512-amp-coslr-300e_in1k.py'

# model settings
model = dict(attack=dict(num_steps=3))
