# Copyright (c) aemim_mm contributors. All rights reserved.
"""A labelled folder: ``train/CLASS/IMAGE`` and ``val/CLASS/IMAGE``."""

_base_ = './imagenet_bs256_finetune.py'

# dataset settings
dataset_type = 'CustomDataset'
# `num_classes` and `data_root` are given by the options of these names
data_preprocessor = dict(num_classes=2)
folder = dict(
    _delete_=True,
    type=dataset_type,
    data_root='',
    extensions=(
        *('.jpg', '.jpeg', '.png', '.bmp'),
        *('.tif', '.tiff', '.webp', '.gif'),
    ),
)

test_pipeline = _base_.test_pipeline
# an unreadable image is named, and the evaluation stops
test_pipeline[0].update(type='LoadImageOrSkip', test_mode=True)

train_dataloader = dict(
    batch_size=64,
    num_workers=4,
    drop_last=False,
    dataset=dict(
        **folder, data_prefix='train', pipeline=_base_.train_pipeline
    ),
)
val_dataloader = dict(
    batch_size=64,
    num_workers=4,
    dataset=dict(**folder, data_prefix='val', pipeline=test_pipeline),
)
val_evaluator = dict(_delete_=True, type='Accuracy', topk=(1,))
test_dataloader = val_dataloader
test_evaluator = val_evaluator
