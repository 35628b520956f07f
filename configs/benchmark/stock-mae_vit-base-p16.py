# Copyright (c) aemim_mm contributors. All rights reserved.
r"""MAE, ViT-B/16, of mmpretrain's own classes: the base of docs/cost.md.

Not for training: it is our MAE recipe with the encoder, decoder and head that
mmpretrain ships, to measure against.

Command::

    python tools/benchmark_cost.py \
    configs/benchmark/stock-mae_vit-base-p16.py \
    configs/pretrain/aemim_vit-base-p16_8xb512-amp-coslr-300e_in1k.py
"""

_base_ = '../pretrain/mae_vit-base-p16_8xb512-amp-coslr-300e_in1k.py'

# model settings
model = dict(
    backbone=dict(type='MAEViT'),
    neck=dict(type='MAEPretrainDecoder'),
    head=dict(type='MAEPretrainHead'),
)
