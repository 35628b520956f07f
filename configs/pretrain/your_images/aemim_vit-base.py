# Copyright (c) aemim_mm contributors. All rights reserved.
r"""AEMIM, ViT-B/16, on images of your own.

The images are named by `data_root`, the weights to start from, if any, by
`init`: docs/your_images.md.
It is no recipe of the paper, and was not run at scale here.
Cost of an iteration relative to MAE: between 2x and 10/3x by operation
count.

Command::

    python tools/train.py \
    configs/pretrain/your_images/aemim_vit-base.py \
    --cfg-options data_root=/photos
"""

_base_ = [
    '../../_base_/models/mae_vit-base-p16.py',
    '../../_base_/datasets/your_images.py',
    '../../_base_/schedules/your_images_adamw_20k.py',
    '../../_base_/your_images_runtime.py',
]

# height and width, for images that are no square
shortcuts = dict(
    img_size=dict(
        sets=[
            'model.backbone.img_size',
            'model.neck.img_size',
            'model.head.img_size',
            'train_dataloader.dataset.pipeline.1.scale',
            'test_dataloader.dataset.pipeline.1.img_size',
        ]
    )
)

# model settings
model = dict(
    type='AEMIMAlgorithm',
    method='MAE',
    attack=dict(type='FeatureDistancePGD', epsilon=2, num_steps=2),
    adapters=('norm',),
    adv_ratio=1.0,
    loss_ratio=0.5,
    backbone=dict(img_size=224),
    neck=dict(img_size=224),
    head=dict(img_size=224),
    # the same gradients, with the activations of one pass at a time
    sequential_backward=True,
)

# runtime settings
custom_hooks = [
    *_base_.custom_hooks,
    # draw reconstructions at the end
    dict(type='ReconstructionHook'),
]
