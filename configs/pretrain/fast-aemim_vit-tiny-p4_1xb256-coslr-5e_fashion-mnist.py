# Copyright (c) aemim_mm contributors. All rights reserved.
r"""Fast AEMIM, ViT-tiny/4, 5 epochs on Fashion-MNIST, for a CPU.

One attack step on a quarter of the batch, as in the paper's Table 1; the
paper has no such row.
Cost of an epoch relative to MAE: between 5/4x and 17/12x by operation count,
the more the larger the encoder's share.

Command::

    python tools/train.py \
    configs/pretrain/fast-aemim_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py
"""

_base_ = './aemim_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py'

# model settings
model = dict(attack=dict(num_steps=1), adv_ratio=0.25)
