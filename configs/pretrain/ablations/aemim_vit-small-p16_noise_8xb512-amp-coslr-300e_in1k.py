# Copyright (c) aemim_mm contributors. All rights reserved.
"""Ablation of AEMIM, ViT-S/16: random noise in place of the attack.

Paper: no such row; Table 8 has no control without an adversary. The base has
81.4 % top-1 there.
That number is the paper's: this recipe was not run at scale here.
Cost of an epoch relative to MAE: 2.0x by operation count (base: 2.2x).

Command::

    recipe=aemim_vit-small-p16_noise_8xb512-amp-coslr-300e_in1k.py
    tools/dist_train.sh configs/pretrain/ablations/$recipe 8
"""

_base_ = '../aemim_vit-small-p16_8xb512-amp-coslr-300e_in1k.py'

# model settings
model = dict(attack=dict(type='RandomNoise'))
