# Copyright (c) aemim_mm contributors. All rights reserved.
r"""MAE, ViT-S/16, of mmpretrain's own classes: the base of docs/cost.md.

Not for training: it is our MAE recipe with the encoder, decoder, head and
optimizer that mmpretrain's own recipes have, to measure against.

Command::

    python tools/benchmark_cost.py \
    configs/benchmark/stock-mae_vit-small-p16.py \
    configs/pretrain/aemim_vit-small-p16_8xb512-amp-coslr-300e_in1k.py
"""

_base_ = '../pretrain/mae_vit-small-p16_8xb512-amp-coslr-300e_in1k.py'

# model settings
model = dict(
    backbone=dict(type='MAEViT'),
    neck=dict(type='MAEPretrainDecoder'),
    head=dict(type='MAEPretrainHead'),
)

# optimizer wrapper
optim_wrapper = dict(optimizer=dict(type='AdamW', fused=None))
