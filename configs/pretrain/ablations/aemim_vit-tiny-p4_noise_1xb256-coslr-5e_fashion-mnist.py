# Copyright (c) aemim_mm contributors. All rights reserved.
"""Ablation of AEMIM on Fashion-MNIST: random noise in place of the attack.

The control for the adversary; the paper has no such row.
Cost of an epoch: less than the base, by the gradients of the attack.

Command::

    recipe=aemim_vit-tiny-p4_noise_1xb256-coslr-5e_fashion-mnist.py
    python tools/train.py configs/pretrain/ablations/$recipe
"""

_base_ = '../aemim_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py'

# model settings
model = dict(attack=dict(type='RandomNoise'))
