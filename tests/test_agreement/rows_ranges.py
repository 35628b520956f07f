# Copyright (c) aemim_mm contributors. All rights reserved.
"""Values out of range."""

import torch
from test_agreement.table import (
    Row,
    argv,
    changed,
    classification,
    pretraining,
)

PIPELINE = 'train_dataloader.dataset.pipeline'
OPTIMIZER = 'optim_wrapper.optimizer'

# In pre-training, by key: the value and the range that the message names.
PRETRAINING = {
    'model.backbone.mask_ratio': [
        (75, '(0, 1)'),
        (-0.25, '(0, 1)'),
        (1, '(0, 1)'),
        ('0.75', 'a number in'),
        (True, 'a number in'),
    ],
    'model.backbone.drop_path_rate': [(1.0, '[0, 1)')],
    f'{OPTIMIZER}.lr': [
        ('1e-3', 'a number in [0, inf)'),
        (-1e-3, '[0, inf)'),
    ],
    f'{OPTIMIZER}.betas': [((0.9, 1.0), '[0, 1)')],
    'optim_wrapper.accumulative_counts': [(0, '[1, inf)')],
    'optim_wrapper.clip_grad': [(dict(max_norm=0), '(0, inf]')],
    'optim_wrapper.paramwise_cfg': [(dict(layer_decay_rate=65), '(0, 1]')],
    'train_dataloader.batch_size': [(0, '[1, inf)'), (4.5, 'a whole number')],
    'train_cfg.max_epochs': [(0, '[1, inf)')],
    'model.data_preprocessor.std': [([58.4, 0, 57.4], '(0, inf)')],
    f'{PIPELINE}.1.crop_ratio_range': [((20, 100), '(0, 1]')],
    f'{PIPELINE}.2.prob': [(50, '[0, 1]')],
    f'{PIPELINE}.2': [
        (dict(type='torchvision/RandomHorizontalFlip', p=50), '[0, 1]')
    ],
}
CLASSIFICATION = {
    'model.head.loss': [
        (dict(type='LabelSmoothLoss', label_smooth_val=1.0), '[0, 1)')
    ],
    'model.backbone.drop_rate': [(2, '[0, 1)')],
    'val_dataloader.batch_size': [(-4, '[1, inf)')],
    'train_cfg.val_interval': [(0, '[1, inf)')],
}
# What no config file holds.
OPTIONS = {
    f'{OPTIMIZER}.lr=nan': '[0, inf)',
    f'{OPTIMIZER}.lr=inf': '[0, inf)',
    f'{OPTIMIZER}.lr=fast': 'a number in',
    f'{OPTIMIZER}.weight_decay=nan': '[0, inf)',
    'model.data_preprocessor.std=[58.4,nan,57.4]': '(0, inf)',
}
HEALTHY = {
    'a rate of 0': {f'{OPTIMIZER}.lr': 0, f'{OPTIMIZER}.weight_decay': 0},
    'weights that begin at 0': {
        'model.backbone.init_cfg': dict(
            type='TruncNormal', layer='Linear', std=0
        )
    },
    'what is left to the constructor': {'model.backbone.mask_ratio': None},
}


def run_of(base, changes):
    """Start a run whose config has other values."""
    return lambda folder: argv(folder, changed(base(folder), changes))


def option_of(option):
    """Start pre-training with an option."""
    return lambda folder: argv(
        folder, pretraining(folder), '--cfg-options', option
    )


def tested(changes):
    """Test a classifier whose config has other values."""

    def make(folder):
        torch.save({}, folder / 'model.pth')
        cfg = changed(classification(folder), changes)
        return argv(folder, cfg, str(folder / 'model.pth'))

    return make


def name_of(key):
    """Part of the key that a message names, indices in its way."""
    return key.rpartition('.')[2]


ROWS = [
    Row(
        f'{key}={value}',
        run_of(base, {key: value}),
        (name_of(key), says),
    )
    for base, table in (
        (pretraining, PRETRAINING),
        (classification, CLASSIFICATION),
    )
    for key, cases in table.items()
    for value, says in cases
]
ROWS += [
    Row(
        'the full key',
        run_of(pretraining, {f'{PIPELINE}.1.crop_ratio_range': (0.2, 1.5)}),
        (f'{PIPELINE}.1.crop_ratio_range.1=1.5 must be a number in (0, 1]',),
    ),
    *(
        Row(option, option_of(option), (name_of(option.split('=')[0]), says))
        for option, says in OPTIONS.items()
    ),
    Row(
        'a test by batches of nothing',
        tested({'test_dataloader.batch_size': 0}),
        ('test_dataloader.batch_size=0 must be a whole number in [1, inf)',),
        tool='test',
    ),
    Row(
        'a healthy test, whatever training had',
        tested({f'{OPTIMIZER}.lr': -1, 'val_dataloader.batch_size': 0}),
        tool='test',
    ),
    Row(
        'a cosine that ends where it begins',
        run_of(
            pretraining,
            {
                'param_scheduler': [
                    dict(type='LinearLR', by_epoch=True, begin=0, end=1),
                    dict(type='CosineAnnealingLR', begin=1, end=1),
                ]
            },
        ),
        ('param_scheduler.1 begins at epoch 1 and ends at 1', 'must be larg'),
    ),
    Row(
        'gradients measured, not clipped',
        option_of('optim_wrapper.clip_grad.max_norm=inf'),
    ),
    *(
        Row(name, run_of(pretraining, changes))
        for name, changes in HEALTHY.items()
    ),
]
