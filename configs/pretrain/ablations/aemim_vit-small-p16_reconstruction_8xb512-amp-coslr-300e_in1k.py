# Copyright (c) aemim_mm contributors. All rights reserved.
"""Ablation of AEMIM, ViT-S/16: the reconstruction loss is attacked.

Paper: Table 8(d): 81.1 % top-1 after fine-tuning; the base, L2 distance, has
81.4 %.
That number is the paper's: this recipe was not run at scale here.
Cost of an epoch relative to MAE: 3.3x by operation count (base: 2.2x): it
decodes in every attack step, too.

Command::

    recipe=aemim_vit-small-p16_reconstruction_8xb512-amp-coslr-300e_in1k.py
    tools/dist_train.sh configs/pretrain/ablations/$recipe 8
"""

_base_ = '../aemim_vit-small-p16_8xb512-amp-coslr-300e_in1k.py'

# model settings
model = dict(attack=dict(distance='reconstruction'))
