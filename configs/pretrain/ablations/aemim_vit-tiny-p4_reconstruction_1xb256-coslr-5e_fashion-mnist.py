# Copyright (c) aemim_mm contributors. All rights reserved.
"""Ablation of AEMIM on Fashion-MNIST: the reconstruction loss is attacked.

The key of Table 8(d) in the paper, which has no such row.
Cost of an epoch: decodes in every attack step, dearer than the base.

Command::

    recipe=aemim_vit-tiny-p4_reconstruction_1xb256-coslr-5e_fashion-mnist.py
    python tools/train.py configs/pretrain/ablations/$recipe
"""

_base_ = '../aemim_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py'

# model settings
model = dict(attack=dict(distance='reconstruction'))
