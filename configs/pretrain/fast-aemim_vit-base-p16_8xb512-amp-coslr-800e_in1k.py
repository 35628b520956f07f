# Copyright (c) aemim_mm contributors. All rights reserved.
r"""Fast AEMIM, ViT-B/16, 800 epochs on ImageNet-1K.

Paper: Table 1 (settings); Table 4, row "Fast AEMIM 800" of ViT-B/16: 83.6 %
top-1 after fine-tuning, at 3.5x the pre-training time of MAE-300.
That number is the paper's: this recipe was not run at scale here.
Cost of an epoch relative to MAE: 1.3x in the paper;
of a step on a CPU, measured: docs/cost.md.

Command::

    tools/dist_train.sh \
    configs/pretrain/fast-aemim_vit-base-p16_8xb512-amp-coslr-800e_in1k.py 8
"""

_base_ = './aemim_vit-base-p16_8xb512-amp-coslr-800e_in1k.py'

# model settings
model = dict(attack=dict(num_steps=1), adv_ratio=0.25)
