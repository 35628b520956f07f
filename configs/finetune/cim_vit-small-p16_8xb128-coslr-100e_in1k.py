# Copyright (c) aemim_mm contributors. All rights reserved.
r"""Fine-tuning of CIM's ViT-S/16 on ImageNet-1K, 100 epochs.

Paper: Table 4, row "CIM-RESPIX 300" of ViT-S/16: 81.5 % top-1, quoted there.
The settings are those of ViT-B/16, at the width and heads of ViT-S/16.
That number is the paper's: this recipe was not run at scale here.
By default from the checkpoint that `configs/pretrain/` leaves in `work_dirs`;
from another one with
`--cfg-options model.backbone.init_cfg.checkpoint=PATH`.

Command::

    tools/dist_train.sh \
    configs/finetune/cim_vit-small-p16_8xb128-coslr-100e_in1k.py 8
"""

_base_ = './cim_vit-base-p16_from-300e_8xb128-coslr-100e_in1k.py'

# model settings
pretrained = 'cim_vit-small-p16_8xb256-amp-coslr-300e_in1k'
model = dict(
    backbone=dict(
        arch='deit-small',
        init_cfg=dict(checkpoint=f'work_dirs/{pretrained}/epoch_300.pth'),
    ),
    head=dict(in_channels=384),
)
