# Copyright (c) aemim_mm contributors. All rights reserved.
r"""Mask R-CNN, ViT-Ti/16, head `plain`, 100 epochs on 24 images, for a CPU.

The second half of the small detection example, `docs/mini_coco.md`: it is
meant to overfit the images of `tools/make_mini_coco.py`. So there is no
augmentation and no drop path, and validation runs on the training images;
`tools/test.py` runs on other ones. The paper has no such row.

What is small besides the ViT: 64 channels in neck and heads, 64 sampled and
100 proposed regions, anchors of half the stock size. The FPN has batch norm,
without which the heads had learned nothing after 480 steps. The rest is the
`plain` recipe for COCO, its layer decay included.

Command::

    python tools/train.py \
    configs/coco/mask-rcnn_vit-tiny-p16_plain-fpn_1xb2-100e_mini-coco.py
"""

_base_ = './mask-rcnn_vit-small-p16_plain-fpn_8xb2-amp-1x_coco.py'

# the classes, once: data sets and heads follow
classes = ('circle', 'square', 'triangle')

# model settings
pretrained = 'aemim_vit-tiny-p16_1xb8-coslr-200e_mini-coco'
model = dict(
    backbone=dict(
        arch='deit-tiny',
        # the grid of the checkpoint, 10 x 10
        img_size=160,
        drop_path_rate=0.0,
        init_cfg=dict(checkpoint=f'work_dirs/{pretrained}/epoch_200.pth'),
    ),
    neck=[
        dict(
            type='ViTPyramid',
            in_channels=192,
            norm_cfg=dict(type='SyncBN', requires_grad=True),
        ),
        dict(
            type='FPN',
            in_channels=[192, 192, 192, 192],
            out_channels=64,
            num_outs=5,
            # evens out the taps, whose scales differ by a lot
            norm_cfg=dict(type='BN', requires_grad=True),
        ),
    ],
    rpn_head=dict(
        in_channels=64,
        feat_channels=64,
        anchor_generator=dict(scales=[4]),
    ),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=64),
        bbox_head=dict(
            in_channels=64, fc_out_channels=256, num_classes=len(classes)
        ),
        mask_roi_extractor=dict(out_channels=64),
        mask_head=dict(
            in_channels=64, conv_out_channels=64, num_classes=len(classes)
        ),
    ),
    train_cfg=dict(
        rpn_proposal=dict(nms_pre=200, max_per_img=100),
        rcnn=dict(sampler=dict(num=64)),
    ),
    test_cfg=dict(
        rpn=dict(nms_pre=200, max_per_img=100),
        rcnn=dict(max_per_img=20),
    ),
)

# dataset settings
data_root = 'data/mini_coco/'
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(type='Resize', scale=(224, 160), keep_ratio=True),
    dict(type='PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(224, 160), keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(
        type='PackDetInputs',
        meta_keys=(
            'img_id',
            'img_path',
            'ori_shape',
            'img_shape',
            'scale_factor',
        ),
    ),
]
# twelve batches per epoch: not worth a worker process
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    dataset=dict(
        data_root=data_root,
        metainfo=dict(classes=classes),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        data_root=data_root,
        metainfo=dict(classes=classes),
        # the images that it was trained on
        ann_file='annotations/instances_train2017.json',
        data_prefix=dict(img='train2017/'),
        pipeline=test_pipeline,
    ),
)
test_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        data_root=data_root,
        metainfo=dict(classes=classes),
        pipeline=test_pipeline,
    ),
)
val_evaluator = dict(
    ann_file=f'{data_root}annotations/instances_train2017.json'
)
test_evaluator = dict(
    ann_file=f'{data_root}annotations/instances_val2017.json'
)

# optimizer wrapper
optim_wrapper = dict(
    _delete_=True,
    type='OptimWrapper',
    optimizer=dict(
        type='AdamW', lr=1e-3, betas=(0.9, 0.999), weight_decay=0.05
    ),
    constructor=_base_.optim_wrapper.constructor,
    paramwise_cfg=_base_.optim_wrapper.paramwise_cfg,
)

# learning rate scheduler
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=50),
    dict(
        type='MultiStepLR',
        begin=0,
        end=100,
        by_epoch=True,
        milestones=[75, 92],
        gamma=0.1,
    ),
]

# runtime settings
train_cfg = dict(max_epochs=100, val_interval=20)
default_hooks = dict(logger=dict(interval=12), checkpoint=dict(interval=50))
# one line per epoch, the mean over it
log_processor = dict(window_size=12)

# NOTE: `auto_scale_lr` is for automatically scaling LR
# based on the actual training batch size.
auto_scale_lr = dict(base_batch_size=2)
