# Copyright (c) aemim_mm contributors. All rights reserved.
r"""MAE, ViT-S/16, 300 epochs on ImageNet-1K.

Paper: Table 1 (settings); Table 4, row "MAE* 300" of ViT-S/16: 80.9 %
top-1 after fine-tuning.
The star: the paper's own reproduction with the official code.
That number is the paper's: this recipe was not run at scale here.
Cost of an epoch: 1x, the reference.

Command::

    tools/dist_train.sh \
    configs/pretrain/mae_vit-small-p16_8xb512-amp-coslr-300e_in1k.py 8
"""

_base_ = [
    '../_base_/models/mae_vit-small-p16.py',
    '../_base_/datasets/imagenet_bs512_mae.py',
    '../_base_/schedules/mae_adamw_bs4096_300e.py',
    '../_base_/pretrain_runtime.py',
]
