# Copyright (c) aemim_mm contributors. All rights reserved.
"""A value of ``--cfg-options`` is taken as typed."""

from test_agreement.table import Row, argv, pretraining, write_tree

SPACED = 'Bilder für Öl'


def options(*arguments):
    """Start pre-training with options."""
    return lambda folder: argv(
        folder, pretraining(folder), '--cfg-options', *arguments
    )


def moved(folder):
    """Pre-training whose images lie in a folder with white space."""
    root = write_tree(folder / SPACED, {'all': 8})
    option = f'train_dataloader.dataset.data_root={root}'
    return argv(folder, pretraining(folder), '--cfg-options', option)


def becomes(key, value):
    """A check that a value of the config is this one."""

    def check(run):
        found = run.cfg
        for name in key.split('.'):
            found = found[name]
        assert found == value

    return check


def finds_images(run):
    """The data set is that of the folder."""
    assert len(run.dataset('train')) == 8


ROWS = [
    Row('white space in the path of images', moved, check=finds_images),
    Row(
        'white space in the work directory',
        options('work_dir=w/my run'),
        check=becomes('work_dir', 'w/my run'),
    ),
    Row(
        'a dict',
        options('optim_wrapper.clip_grad=dict(max_norm=3, norm_type=2)'),
        check=becomes(
            'optim_wrapper.clip_grad', dict(max_norm=3, norm_type=2)
        ),
    ),
    Row(
        'a dict within a list',
        options("param_scheduler=[dict(type='ConstantLR', factor=1)]"),
        check=becomes('param_scheduler', [dict(type='ConstantLR', factor=1)]),
    ),
    Row(
        'text in quotes',
        options("work_dir='1,2'"),
        check=becomes('work_dir', '1,2'),
    ),
    Row(
        'a list as before',
        options('optim_wrapper.optimizer.betas=(0.9,0.95)'),
        check=becomes('optim_wrapper.optimizer.betas', (0.9, 0.95)),
    ),
    Row(
        'white space without quotes',
        options('work_dir=w/my', 'run'),
        ('"run" is not KEY=VALUE', 'quotes'),
    ),
    Row(
        'a dict of names',
        options('optim_wrapper.clip_grad=dict(max_norm=three)'),
        ('dict(max_norm=three)', 'KEY.type=X'),
    ),
    Row(
        'a bracket that stays open',
        options('optim_wrapper.optimizer.betas=(0.9,0.95'),
        ('betas', '(0.9,0.95', 'do not match'),
    ),
]
