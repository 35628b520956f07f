# Copyright (c) aemim_mm contributors. All rights reserved.
"""Ablation of Fast AEMIM on Fashion-MNIST: a step of 4 pixel values.

The paper does not give the step size, and has no such row.
Cost of an epoch: as the base.
mu = 2 epsilon / T = 4; the base has 2. From a random start all of the
ball is in reach of such a step.

Command::

    recipe=fast-aemim_vit-tiny-p4_mu4_1xb256-coslr-5e_fashion-mnist.py
    python tools/train.py configs/pretrain/ablations/$recipe
"""

_base_ = '../fast-aemim_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py'

# model settings
model = dict(attack=dict(step_size=4))
