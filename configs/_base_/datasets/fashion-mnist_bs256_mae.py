# Copyright (c) aemim_mm contributors. All rights reserved.
"""Fashion-MNIST for pre-training: random crop and flip, 256 images."""

# dataset settings
dataset_type = 'FashionMNIST'
data_root = 'data/fashion_mnist'
data_preprocessor = dict(
    type='SelfSupDataPreprocessor',
    # of the 60000 training images, 0-255 units
    mean=[72.94],
    std=[90.02],
)

train_pipeline = [
    dict(type='RandomCrop', crop_size=28, padding=2),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    batch_size=256,
    num_workers=2,
    # Workers are started anew for each epoch and seeded for it, so that a
    # resumed run sees the images an uninterrupted one would have seen.
    persistent_workers=False,
    worker_init_fn=dict(type='seed_worker'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='train',
        pipeline=train_pipeline,
    ),
)

# how images are read for features: mmpretrain's FeatureExtractor asks for it
test_pipeline = [dict(type='PackInputs')]
test_dataloader = dict(
    batch_size=256,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='test',
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_cfg = dict()
test_evaluator = []
