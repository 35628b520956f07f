# Copyright (c) aemim_mm contributors. All rights reserved.
r"""Fine-tuning of ViT-S/16 on ImageNet-1K, 200 epochs.

Paper: Table 2, column ViT-S/16 (base learning rate 1e-3, layer decay 0.8);
Table 4, after 300 epochs of pre-training: MAE 80.9 %, Fast AEMIM 81.2 %,
AEMIM 81.4 % top-1. The ablations of Table 8 are fine-tuned by it, too.
These numbers are the paper's: this recipe was not run at scale here.
By default from the checkpoint that the AEMIM recipe leaves in `work_dirs`;
from another one, of MAE or Fast AEMIM, with
`--cfg-options model.backbone.init_cfg.checkpoint=PATH`.

Command::

    tools/dist_train.sh \
    configs/finetune/vit-small-p16_8xb256-amp-coslr-200e_in1k.py 8
"""

_base_ = [
    '../_base_/models/vit-small-p16.py',
    '../_base_/datasets/imagenet_bs256_finetune.py',
    '../_base_/schedules/finetune_adamw_bs2048_200e.py',
    '../_base_/default_runtime.py',
]

# model settings
pretrained = 'aemim_vit-small-p16_8xb512-amp-coslr-300e_in1k'
model = dict(
    backbone=dict(
        init_cfg=dict(checkpoint=f'work_dirs/{pretrained}/epoch_300.pth')
    )
)

# optimizer wrapper
optim_wrapper = dict(paramwise_cfg=dict(layer_decay_rate=0.8))
