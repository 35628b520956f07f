# Copyright (c) aemim_mm contributors. All rights reserved.
r"""Fine-tuning of ViT-B/16 on ImageNet-1K after 300 epochs of pre-training.

Paper: Table 2, column ViT-B/16 (base learning rate 1e-3, layer decay 0.7);
Table 4: MAE 82.9 %, Fast AEMIM 83.3 %, AEMIM 83.4 % top-1.
These numbers are the paper's: this recipe was not run at scale here.
By default from the checkpoint that the AEMIM recipe leaves in `work_dirs`;
from another one, of MAE or Fast AEMIM, with
`--cfg-options model.backbone.init_cfg.checkpoint=PATH`.

Command::

    recipe=vit-base-p16_from-300e_8xb256-amp-coslr-100e_in1k.py
    tools/dist_train.sh configs/finetune/$recipe 8
"""

_base_ = [
    '../_base_/models/vit-base-p16.py',
    '../_base_/datasets/imagenet_bs256_finetune.py',
    '../_base_/schedules/finetune_adamw_bs2048_100e.py',
    '../_base_/default_runtime.py',
]

# model settings
pretrained = 'aemim_vit-base-p16_8xb512-amp-coslr-300e_in1k'
model = dict(
    backbone=dict(
        init_cfg=dict(checkpoint=f'work_dirs/{pretrained}/epoch_300.pth')
    )
)
