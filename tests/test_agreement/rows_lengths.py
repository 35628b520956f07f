# Copyright (c) aemim_mm contributors. All rights reserved.
"""Nothing to do, nothing to judge by."""

from test_agreement.table import (
    Row,
    argv,
    changed,
    classification,
    pretraining,
)


def pretrain(*options, images=24, **changes):
    """Start pre-training whose config has other values."""
    changes = {k.replace('__', '.'): v for k, v in changes.items()}
    return lambda folder: argv(
        folder, changed(pretraining(folder, images), changes), *options
    )


def classify(*options, **changes):
    """Start the training of a classifier whose config has other values."""
    changes = {k.replace('__', '.'): v for k, v in changes.items()}
    return lambda folder: argv(
        folder, changed(classification(folder), changes), *options
    )


ROWS = [
    Row('healthy pre-training', pretrain()),
    Row('healthy classifier', classify()),
    Row(
        'fewer images than a batch',
        pretrain(images=3, train_dataloader__drop_last=True),
        ('holds 3 images', 'train_dataloader.batch_size=4', 'drop_last=True'),
    ),
]
