# Copyright (c) aemim_mm contributors. All rights reserved.
r"""Mask R-CNN, ViT-S/16 by BEiT, head `cae`, 1x schedule on COCO 2017.

Paper: Table 7, AP of boxes / masks on val2017 by pre-training and epochs::

    BEiT 300       35.6 / 32.6

These numbers are the paper's: this recipe was not run at scale here.

The recipe is that of the other rows, `mask-rcnn_vit-small-p16_cae-fpn_...`,
with BEiT's encoder: no position embedding, but in every block a relative
position bias, which is resized to each image (see `docs/coco.md`).

The checkpoint is BEiT's after 300 epochs; another one:
`--cfg-options model.backbone.init_cfg.checkpoint=PATH`. BEiT v2 and
AEMIM over either leave checkpoints that fit, too.

The learning rate is base_lr * batch / 256 = 1.25e-4: Table 3 gives
"2e-3" and calls it a base learning rate. `--cfg-options
optim_wrapper.optimizer.lr=2e-4` is another reading, a misprint of the
exponent; 2e-3 itself, more than 10 times what public recipes use, is not
recommended.

Command::

    tools/dist_train.sh \
    configs/coco/mask-rcnn_beit-small-p16_cae-fpn_8xb2-amp-1x_coco.py 8
"""

_base_ = './mask-rcnn_vit-small-p16_cae-fpn_8xb2-amp-1x_coco.py'

# model settings
pretrained = 'beit_beit-small-p16_8xb256-amp-coslr-300e_in1k'
model = dict(
    backbone=dict(
        type='mmpretrain.ResizableBEiT',
        init_cfg=dict(checkpoint=f'work_dirs/{pretrained}/epoch_300.pth'),
    ),
)
