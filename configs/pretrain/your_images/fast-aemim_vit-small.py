# Copyright (c) aemim_mm contributors. All rights reserved.
r"""Fast AEMIM, ViT-S/16, on images of your own.

The images are named by `data_root`, the weights to start from, if any, by
`init`: docs/your_images.md.
It is no recipe of the paper, and was not run at scale here.
Cost of an iteration relative to MAE: between 5/4x and 17/12x by operation
count.

Command::

    python tools/train.py \
    configs/pretrain/your_images/fast-aemim_vit-small.py \
    --cfg-options data_root=/photos
"""

_base_ = './aemim_vit-small.py'

# model settings
model = dict(attack=dict(num_steps=1), adv_ratio=0.25)
