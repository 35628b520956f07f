# Copyright (c) aemim_mm contributors. All rights reserved.
"""How images are read for features: the center of 224 x 224 pixels.

mmpretrain's ``FeatureExtractor`` asks for it. Pre-training has nothing to
test: there is no evaluator.
"""

test_pipeline = [
    dict(type='LoadImageFromFile', color_type='color_ignore_orientation'),
    dict(
        type='ResizeEdge',
        scale=256,
        edge='short',
        backend='pillow',
        interpolation='bicubic',
    ),
    dict(type='CenterCrop', crop_size=224),
    dict(type='PackInputs'),
]

test_dataloader = dict(
    batch_size=128,
    num_workers=8,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='ImageNet',
        data_root='data/imagenet/',
        split='val',
        pipeline=test_pipeline,
    ),
)
test_cfg = dict()
test_evaluator = []
