# Copyright (c) aemim_mm contributors. All rights reserved.
r"""AEMIM with on-manifold examples, ViT-tiny/4, 5 epochs on Fashion-MNIST.

For a CPU. `WaveletPGD` changes each wavelet coefficient by at most a quarter
of itself, in place of each pixel by at most 2. The paper has no such row.
Cost of an epoch relative to MAE: that of AEMIM and a wavelet transform for
every attack step.

Command::

    recipe=aemim-wavelet_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py
    python tools/train.py configs/pretrain/$recipe
"""

_base_ = './aemim_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py'

# model settings
model = dict(
    attack=dict(_delete_=True, type='WaveletPGD', budget=0.25, num_steps=2)
)
