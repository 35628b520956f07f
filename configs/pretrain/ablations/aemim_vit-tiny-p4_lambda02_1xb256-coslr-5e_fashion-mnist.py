# Copyright (c) aemim_mm contributors. All rights reserved.
"""Ablation of AEMIM on Fashion-MNIST: loss ratio lambda 0.2.

The key of Figure 4 in the paper, which has no such row.
Cost of an epoch: as the base.

Command::

    recipe=aemim_vit-tiny-p4_lambda02_1xb256-coslr-5e_fashion-mnist.py
    python tools/train.py configs/pretrain/ablations/$recipe
"""

_base_ = '../aemim_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py'

# model settings
model = dict(loss_ratio=0.2)
