# Copyright (c) aemim_mm contributors. All rights reserved.
r"""Linear probing of ViT-B/16 on ImageNet-1K, 90 epochs, as MAE does it.

The encoder is frozen; a batch normalisation without parameters and a linear
layer train on its class token with LARS, batch 16384, base learning rate 0.1.
The paper has no such row; this recipe was not run at scale here.
By default from the checkpoint that the AEMIM recipe leaves in `work_dirs`;
from another one, of MAE or Fast AEMIM, with
`--cfg-options model.backbone.init_cfg.checkpoint=PATH`.

Command::

    recipe=vit-base-p16_8xb2048-amp-linear-coslr-90e_in1k.py
    tools/dist_train.sh configs/finetune/$recipe 8
"""

_base_ = [
    '../_base_/models/vit-base-p16_linear.py',
    '../_base_/datasets/imagenet_bs2048_linear.py',
    '../_base_/schedules/linear_lars_bs16384_90e.py',
    '../_base_/default_runtime.py',
]

# model settings
pretrained = 'aemim_vit-base-p16_8xb512-amp-coslr-300e_in1k'
model = dict(
    backbone=dict(
        init_cfg=dict(checkpoint=f'work_dirs/{pretrained}/epoch_300.pth')
    )
)

# runtime settings
default_hooks = dict(logger=dict(interval=10))
