# Copyright (c) aemim_mm contributors. All rights reserved.
r"""AEMIM, ViT-tiny/4, 5 epochs on Fashion-MNIST, for a CPU.

The settings of AEMIM are those of the paper's Table 1; the paper has no such
row. This is what `make demo` runs. Each Fashion-MNIST recipe in
`configs/pretrain/ablations/` changes one key of this one.
Cost of an epoch relative to MAE: between 2x and 10/3x by operation count, the
more the larger the encoder's share.

Command::

    python tools/train.py \
    configs/pretrain/aemim_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py
"""

_base_ = './mae_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py'

# model settings
model = dict(
    type='AEMIMAlgorithm',
    method='MAE',
    attack=dict(type='FeatureDistancePGD', epsilon=2, num_steps=2),
    adapters=('norm',),
    adv_ratio=1.0,
    loss_ratio=0.5,
)
