# Copyright (c) aemim_mm contributors. All rights reserved.
r"""Fine-tuning of CIM's ViT-B/16 on ImageNet-1K after 800 epochs.

Paper: Table 4, row "CIM-RESPIX 800" of ViT-B/16: 83.4 % top-1, quoted there.
The settings are those after 300 epochs.
That number is the paper's: this recipe was not run at scale here.
By default from the checkpoint that `configs/pretrain/` leaves in `work_dirs`;
from another one with
`--cfg-options model.backbone.init_cfg.checkpoint=PATH`.

Command::

    recipe=cim_vit-base-p16_from-800e_8xb128-coslr-100e_in1k.py
    tools/dist_train.sh configs/finetune/$recipe 8
"""

_base_ = './cim_vit-base-p16_from-300e_8xb128-coslr-100e_in1k.py'

# model settings
pretrained = 'cim_vit-base-p16_8xb256-amp-coslr-800e_in1k'
model = dict(
    backbone=dict(
        init_cfg=dict(checkpoint=f'work_dirs/{pretrained}/epoch_800.pth')
    )
)
