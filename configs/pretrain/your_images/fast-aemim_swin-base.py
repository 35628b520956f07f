# Copyright (c) aemim_mm contributors. All rights reserved.
r"""Fast AEMIM, Swin-B, on images of your own.

The images are named by `data_root`, the weights to start from, if any, by
`init`: docs/your_images.md.
It is no recipe of the paper, and was not run at scale here.
Cost of an iteration relative to SimMIM: 17/12 = 1.4x by counting passes of
the encoder.

Command::

    python tools/train.py \
    configs/pretrain/your_images/fast-aemim_swin-base.py \
    --cfg-options data_root=/photos
"""

_base_ = './aemim_swin-base.py'

# model settings
model = dict(attack=dict(num_steps=1), adv_ratio=0.25)
