# Copyright (c) aemim_mm contributors. All rights reserved.
"""Ablation of AEMIM, ViT-S/16: perturbation budget epsilon 1.

Paper: Table 8(a): 81.3 % top-1 after fine-tuning; the base, epsilon 2,
has 81.4 %.
That number is the paper's: this recipe was not run at scale here.
Cost of an epoch relative to MAE: 2.2x by operation count (as the base).
The step size follows the key: mu = epsilon / T = 0.5; the base has 1.

Command::

    recipe=aemim_vit-small-p16_eps1_8xb512-amp-coslr-300e_in1k.py
    tools/dist_train.sh configs/pretrain/ablations/$recipe 8
"""

_base_ = '../aemim_vit-small-p16_8xb512-amp-coslr-300e_in1k.py'

# model settings
model = dict(attack=dict(epsilon=1))
