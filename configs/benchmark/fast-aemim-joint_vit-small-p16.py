# Copyright (c) aemim_mm contributors. All rights reserved.
r"""Fast AEMIM, ViT-S/16, both passes in one graph: a row of docs/cost.md.

Not for training: the recipe of the paper's Table 4, row "Fast AEMIM 300",
without its sequential_backward. The same gradients for more memory.

Command::

    python tools/benchmark_cost.py \
    configs/benchmark/stock-mae_vit-small-p16.py \
    configs/benchmark/fast-aemim-joint_vit-small-p16.py
"""

_base_ = '../pretrain/fast-aemim_vit-small-p16_8xb512-amp-coslr-300e_in1k.py'

# model settings
model = dict(sequential_backward=False)
