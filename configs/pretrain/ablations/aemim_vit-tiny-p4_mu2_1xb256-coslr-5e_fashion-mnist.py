# Copyright (c) aemim_mm contributors. All rights reserved.
"""Ablation of AEMIM on Fashion-MNIST: attack steps of 2 pixel values.

The paper does not give the step size, and has no such row.
Cost of an epoch: as the base.
mu = 2 epsilon / T = 2; the base has 1. From a random start all of the
ball is in reach of such steps.

Command::

    recipe=aemim_vit-tiny-p4_mu2_1xb256-coslr-5e_fashion-mnist.py
    python tools/train.py configs/pretrain/ablations/$recipe
"""

_base_ = '../aemim_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py'

# model settings
model = dict(attack=dict(step_size=2))
