# Copyright (c) aemim_mm contributors. All rights reserved.
"""Ablation of AEMIM on Fashion-MNIST: the class token as adapter.

The key of Table 8(c) in the paper, which has no such row.
Cost of an epoch: as the base.

Command::

    recipe=aemim_vit-tiny-p4_cls-token_1xb256-coslr-5e_fashion-mnist.py
    python tools/train.py configs/pretrain/ablations/$recipe
"""

_base_ = '../aemim_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py'

# model settings
model = dict(adapters=('cls_token',))
