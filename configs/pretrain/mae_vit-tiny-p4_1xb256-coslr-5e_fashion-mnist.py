# Copyright (c) aemim_mm contributors. All rights reserved.
r"""MAE, ViT-tiny/4, 5 epochs on Fashion-MNIST, for a CPU.

The baseline of the small example; the paper has no such row.
Cost of an epoch: 1x, the reference.

Command::

    python tools/train.py \
    configs/pretrain/mae_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py
"""

_base_ = [
    '../_base_/models/mae_vit-tiny-p4.py',
    '../_base_/datasets/fashion-mnist_bs256_mae.py',
    '../_base_/schedules/mae_adamw_bs256_5e.py',
    '../_base_/default_runtime.py',
]

# runtime settings
# five lines in each epoch of 235 iterations, each the mean over its 47
default_hooks = dict(logger=dict(interval=47))
custom_hooks = [
    *_base_.custom_hooks,
    # draw reconstructions every epoch.
    dict(type='ReconstructionHook', interval=1),
]
