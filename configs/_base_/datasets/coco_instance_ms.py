# Copyright (c) aemim_mm contributors. All rights reserved.
"""COCO 2017 with masks: short side of 480 to 800, long side up to 1333."""

_base_ = 'mmdet::_base_/datasets/coco_instance.py'

# dataset settings
scales = [
    (480, 1333),
    (512, 1333),
    (544, 1333),
    (576, 1333),
    (608, 1333),
    (640, 1333),
    (672, 1333),
    (704, 1333),
    (736, 1333),
    (768, 1333),
    (800, 1333),
]
train_pipeline = [
    dict(type='LoadImageFromFile', backend_args=_base_.backend_args),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomChoiceResize', scales=scales, keep_ratio=True),
    dict(type='PackDetInputs'),
]

train_dataloader = dict(
    # Workers are started anew for each epoch and seeded for it, so that a
    # resumed run sees the images an uninterrupted one would have seen.
    persistent_workers=False,
    worker_init_fn=dict(type='seed_worker'),
    dataset=dict(pipeline=train_pipeline),
)
