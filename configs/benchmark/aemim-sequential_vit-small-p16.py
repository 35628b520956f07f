# Copyright (c) aemim_mm contributors. All rights reserved.
r"""AEMIM, ViT-S/16, with sequential_backward: a row of docs/cost.md.

The recipe of Table 4's row "AEMIM 300", which holds the activations of one
pass at a time.

Command::

    python tools/benchmark_cost.py \
    configs/benchmark/stock-mae_vit-small-p16.py \
    configs/benchmark/aemim-sequential_vit-small-p16.py
"""

_base_ = '../pretrain/aemim_vit-small-p16_8xb512-amp-coslr-300e_in1k.py'

# model settings
model = dict(sequential_backward=True)
