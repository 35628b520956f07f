# Copyright (c) aemim_mm contributors. All rights reserved.
"""Runs that get mixed up."""

import shutil
from pathlib import Path

import tiny_run
import torch
from test_agreement.earlier_run import ran, weights
from test_agreement.table import (
    Row,
    argv,
    changed,
    classification,
    pretraining,
)

AEMIM, MAE = 'aemim/epoch_2.pth', 'mae/epoch_2.pth'
KEY = 'model.backbone.init_cfg.checkpoint'


def finetuning(folder, checkpoint=AEMIM):
    """Fine-tuning after AEMIM; MAE's checkpoint is there as well."""
    weights(AEMIM, 1.0)
    weights(MAE, 2.0)
    init_cfg = dict(
        type='Pretrained', checkpoint=checkpoint, prefix='backbone.'
    )
    return changed(
        classification(folder), {'model.backbone.init_cfg': init_cfg}
    )


def resumed(*options, then=None, before=(), **earlier):
    """Fine-tune after AEMIM; then something happens; then --resume."""

    def make(folder):
        cfg = finetuning(folder)
        ran(folder, cfg, *before, **earlier)
        if then is not None:
            then()
        return argv(folder, cfg, '--work-dir', 'w', '--resume', *options)

    return make


def other_model(changes):
    """Pre-train, then resume with another config."""

    def make(folder):
        cfg = pretraining(folder)
        ran(folder, cfg)
        return argv(
            folder, changed(cfg, changes), '--work-dir', 'w', '--resume'
        )

    return make


def anew(*options, leaves=(), of=None):
    """A run has left these files; then another one starts."""

    def make(folder):
        cfg = pretraining(folder)
        for name in leaves:
            Path(name).parent.mkdir(exist_ok=True, parents=True)
            torch.save({}, name)
        hook = {'default_hooks.checkpoint.out_dir': of}
        cfg = changed(cfg, hook if of else {})
        return argv(folder, cfg, '--work-dir', 'w', *options)

    return make


def into_another(folder):
    """Resume a file into the directory of yet another run."""
    cfg = pretraining(folder)
    path = ran(folder, cfg, work_dir='a')
    ran(folder, cfg, work_dir='b', epoch=2)
    return argv(folder, cfg, '--work-dir', 'b', '--resume', path)


def by_path(folder):
    """Resume a checkpoint by a path in other words."""
    cfg = pretraining(folder)
    ran(folder, cfg)
    path = 'w/../w/epoch_1.pth'
    return argv(folder, cfg, '--work-dir', 'w', '--resume', path)


def rename_class():
    for phase in ('train', 'val'):
        shutil.move(f'{phase}/ant', f'{phase}/zebra')


def moved():
    shutil.copytree('aemim', 'elsewhere')
    shutil.rmtree('aemim')


def with_load_from(*options, before=f'load_from={AEMIM}', **earlier):
    return resumed(*options, before=('--cfg-options', before), **earlier)


def broken():
    Path('w/epoch_1.pth').write_bytes(b'x')


def directory(*names):
    """The default work directory of a run."""

    def check(run):
        assert run.cfg.work_dir == f'./work_dirs/tiny{"".join(names)}'

    return check


def by_options(*options):
    return lambda folder: argv(
        folder, finetuning(folder), '--cfg-options', *options
    )


def from_dumped(folder):
    """The config that a run leaves, which was resumed before."""
    cfg = finetuning(folder)
    ran(folder, cfg, '--cfg-options', f'load_from={MAE}')
    cfg = changed(cfg, {'resume': True, 'work_dir': 'w'})
    return argv(folder, cfg, '--resume')


ROWS = [
    Row('resumed as it was', resumed()),
    Row(
        'resumed with other workers, data and logs',
        resumed(
            '--cfg-options',
            'train_dataloader.num_workers=2',
            'train_dataloader.dataset.data_root=val',
            'default_hooks.logger.type=LoggerHook',
        ),
    ),
    Row(
        'fine-tuning of MAE resumed in the directory of AEMIM',
        resumed('--cfg-options', f'{KEY}={MAE}'),
        ('w/epoch_1.pth', f'{KEY}={AEMIM}', MAE, '--work-dir', 'SHA-256'),
    ),
    Row(
        'the same of an earlier version, without notes',
        resumed('--cfg-options', f'{KEY}={MAE}', notes=False),
        ('w/epoch_1.pth', f'{KEY}={AEMIM}', MAE, '--work-dir'),
    ),
    Row(
        'a file that has been replaced',
        resumed(then=lambda: weights(AEMIM, 3.0)),
        (f'{KEY}={AEMIM} (SHA-256', f'now it is {AEMIM} (SHA-256'),
    ),
    Row(
        'the same weights under another path',
        resumed('--cfg-options', f'{KEY}=elsewhere/epoch_2.pth', then=moved),
    ),
    Row(
        'the same weights in a copy, without notes',
        resumed(
            '--cfg-options',
            f'{KEY}=elsewhere/epoch_2.pth',
            then=lambda: shutil.copytree('aemim', 'elsewhere'),
            notes=False,
        ),
    ),
    Row(
        'without weights, after a run with them',
        resumed('--cfg-options', 'model.backbone.init_cfg=None'),
        (f'{KEY}={AEMIM}', 'now it is no file'),
    ),
    Row(
        'load_from of another run',
        with_load_from('--cfg-options', f'load_from={MAE}'),
        (f'load_from={AEMIM}', f'now it is {MAE}'),
    ),
    Row(
        'load_from after a run without',
        resumed('--cfg-options', f'load_from={MAE}'),
        ('load_from=no file', f'now it is {MAE}'),
    ),
    Row(
        'the same load_from',
        with_load_from('--cfg-options', f'load_from={AEMIM}'),
    ),
    Row('the config that a run leaves', from_dumped),
    Row(
        'other keys of the same file',
        resumed('--cfg-options', 'model.backbone.init_cfg.prefix=adv.'),
        ('model.backbone.init_cfg.prefix was backbone. and is adv.',),
    ),
    Row(
        'another mask ratio',
        other_model({'model.backbone.mask_ratio': 0.25}),
        ('w/epoch_1.pth', 'model.backbone.mask_ratio was', 'is 0.25'),
    ),
    Row(
        'AEMIM after MAE',
        other_model({'model': tiny_run.aemim()}),
        ('model.type was MAE and is AEMIMAlgorithm', '--work-dir'),
    ),
    Row(
        'another preprocessor',
        other_model({'model.data_preprocessor.mean': [0.0, 0.0, 0.0]}),
        ('model.data_preprocessor.mean.0 was', 'is 0.0'),
    ),
    Row(
        'the same model in other words',
        other_model({'model.type': 'mmpretrain.MAE'}),
    ),
    Row(
        'a new run over another one',
        anew(leaves=('w/epoch_2.pth',)),
        ('w/epoch_2.pth', '--resume', '--work-dir', '--overwrite'),
    ),
    Row(
        'a new run over checkpoints by iteration',
        anew(leaves=('w/iter_500.pth',)),
        ('w/iter_500.pth', '--overwrite'),
    ),
    Row(
        'a new run over the best checkpoint',
        anew(leaves=('w/best_accuracy_top1_epoch_1.pth',)),
        ('w/best_accuracy_top1_epoch_1.pth', '--overwrite'),
    ),
    Row(
        'a new run over checkpoints in out_dir',
        anew(leaves=('elsewhere/w/epoch_1.pth',), of='elsewhere'),
        ('elsewhere/w/epoch_1.pth', '--overwrite'),
    ),
    Row(
        'resumed into the directory of another run',
        into_another,
        ('b/', '--overwrite'),
    ),
    Row('resumed by another path', by_path),
    Row(
        'resumed with another class',
        resumed(then=rename_class),
        ('zebra', 'w/epoch_1.pth', 'ant, bee, cat'),
    ),
    Row('told to', anew('--overwrite', leaves=('w/epoch_2.pth',))),
    Row(
        'told to delete what it starts from',
        anew(
            *('--overwrite', '--cfg-options', 'load_from=w/epoch_2.pth'),
            leaves=('w/epoch_2.pth',),
        ),
        ('delete w/epoch_2.pth', 'load_from', '--work-dir', 'move the file'),
    ),
    Row('beside other files', anew(leaves=('w/exported.pth',))),
    Row(
        'nothing to go on from but weights',
        resumed(then=lambda: weights('w/epoch_1.pth')),
        ('w/epoch_1.pth', 'no optimizer state', 'load_from='),
    ),
    Row(
        'a damaged checkpoint',
        resumed(then=broken),
        ('w/epoch_1.pth', 'could not be read'),
    ),
    Row(
        'a row after AEMIM',
        by_options(f'{KEY}={AEMIM}'),
        check=directory('_from-aemim-epoch_2'),
    ),
    Row(
        'a row after MAE',
        by_options(f'{KEY}={MAE}', 'train_dataloader.num_workers=0'),
        check=directory('_from-mae-epoch_2'),
    ),
    Row(
        'a longer run is none of its own',
        by_options('train_cfg.max_epochs=3'),
        check=directory(),
    ),
]
