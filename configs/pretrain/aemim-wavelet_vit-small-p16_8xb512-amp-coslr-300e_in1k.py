# Copyright (c) aemim_mm contributors. All rights reserved.
r"""AEMIM with on-manifold examples, ViT-S/16, 300 epochs on ImageNet-1K.

Section 5 of the paper, future work; it has no such row and no number for it.
`WaveletPGD` changes each wavelet coefficient by at most a quarter of itself,
in place of each pixel by at most 2. This recipe was not run at scale here.
Cost of an epoch relative to MAE: not measured; that of AEMIM and a wavelet
transform for every attack step.

Command::

    recipe=aemim-wavelet_vit-small-p16_8xb512-amp-coslr-300e_in1k.py
    tools/dist_train.sh configs/pretrain/$recipe 8
"""

_base_ = './aemim_vit-small-p16_8xb512-amp-coslr-300e_in1k.py'

# model settings
model = dict(
    attack=dict(_delete_=True, type='WaveletPGD', budget=0.25, num_steps=2)
)
