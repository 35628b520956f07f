# Copyright (c) aemim_mm contributors. All rights reserved.
r"""Fast AEMIM, ViT-S/16, 300 epochs on ImageNet-1K.

Paper: Table 1 (settings); Table 4, row "Fast AEMIM 300" of ViT-S/16: 81.2 %
top-1 after fine-tuning, at 1.3x the pre-training time of MAE-300.
That number is the paper's: this recipe was not run at scale here.
Cost of an epoch relative to MAE: 1.3x in the paper;
of a step on a CPU, measured: docs/cost.md.

Command::

    tools/dist_train.sh \
    configs/pretrain/fast-aemim_vit-small-p16_8xb512-amp-coslr-300e_in1k.py 8
"""

_base_ = './aemim_vit-small-p16_8xb512-amp-coslr-300e_in1k.py'

# model settings
model = dict(attack=dict(num_steps=1), adv_ratio=0.25)
