# Copyright (c) aemim_mm contributors. All rights reserved.
"""Ablation of AEMIM on Fashion-MNIST: perturbation budget epsilon 1.

The key of Table 8(a) in the paper, which has no such row.
Cost of an epoch: as the base.
The step size follows the key: mu = epsilon / T = 0.5; the base has 1.

Command::

    recipe=aemim_vit-tiny-p4_eps1_1xb256-coslr-5e_fashion-mnist.py
    python tools/train.py configs/pretrain/ablations/$recipe
"""

_base_ = '../aemim_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py'

# model settings
model = dict(attack=dict(epsilon=1))
