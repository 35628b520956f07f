# Copyright (c) aemim_mm contributors. All rights reserved.
r"""Fine-tuning of ViT-B/16 on ImageNet-1K after 800 epochs of pre-training.

Paper: Table 2, column ViT-B/16 (base learning rate 5e-4, layer decay 0.65);
Table 4: MAE 83.3 %, Fast AEMIM 83.6 %, AEMIM 83.8 % top-1.
These numbers are the paper's: this recipe was not run at scale here.
By default from the checkpoint that the AEMIM recipe leaves in `work_dirs`;
from another one, of MAE or Fast AEMIM, with
`--cfg-options model.backbone.init_cfg.checkpoint=PATH`.

Command::

    recipe=vit-base-p16_from-800e_8xb256-amp-coslr-100e_in1k.py
    tools/dist_train.sh configs/finetune/$recipe 8
"""

_base_ = './vit-base-p16_from-300e_8xb256-amp-coslr-100e_in1k.py'

# model settings
pretrained = 'aemim_vit-base-p16_8xb512-amp-coslr-800e_in1k'
model = dict(
    backbone=dict(
        init_cfg=dict(checkpoint=f'work_dirs/{pretrained}/epoch_800.pth')
    )
)

# optimizer wrapper
optim_wrapper = dict(
    optimizer=dict(lr=5e-4 * 2048 / 256),
    paramwise_cfg=dict(layer_decay_rate=0.65),
)
