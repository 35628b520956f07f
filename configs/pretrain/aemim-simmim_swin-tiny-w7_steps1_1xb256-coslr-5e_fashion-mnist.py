# Copyright (c) aemim_mm contributors. All rights reserved.
r"""AEMIM over SimMIM, a Swin of one stage, 5 epochs on Fashion-MNIST.

For a CPU. One attack step on every image, as in Table 9; the paper has no
such row. Cost of an epoch relative to SimMIM: counting passes of the encoder
8/3 = 2.7x.

Command::

    recipe=aemim-simmim_swin-tiny-w7_steps1_1xb256-coslr-5e_fashion-mnist.py
    python tools/train.py configs/pretrain/$recipe
"""

_base_ = './simmim_swin-tiny-w7_1xb256-coslr-5e_fashion-mnist.py'

# model settings
model = dict(
    type='AEMIMAlgorithm',
    method='SimMIM',
    attack=dict(type='FeatureDistancePGD', epsilon=2, num_steps=1),
    adapters=('norm',),
    adv_ratio=1.0,
    loss_ratio=0.5,
)
