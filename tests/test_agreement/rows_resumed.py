# Copyright (c) aemim_mm contributors. All rights reserved.
"""What a resumed checkpoint brings with it."""

from test_agreement.earlier_run import ran
from test_agreement.table import Row, argv, changed, pretraining, write_tree

WAYS_OUT = ('w/epoch_2.pth', 'as it was', '--new-schedule')


def cosine(epochs, **options):
    """Our recipes' schedule, counted in iterations."""
    options = {'convert_to_iter_based': True, **options}
    return [
        dict(
            type='CosineAnnealingLR',
            T_max=epochs,
            begin=0,
            end=epochs,
            by_epoch=True,
            **options,
        )
    ]


def recipe(folder, epochs=6, **changes):
    """The config of a run of 6 epochs with a cosine schedule."""
    changes = {k.replace('__', '.'): v for k, v in changes.items()}
    return changed(
        pretraining(folder),
        {
            'train_cfg.max_epochs': epochs,
            'param_scheduler': cosine(epochs),
            **changes,
        },
    )


def resumed(*options, epoch=2, length=6, processes=1, notes=True, **changes):
    """Two of 6 epochs are done; --resume with another config."""

    def make(folder):
        before = {k: v[0] for k, v in changes.items() if v[0] is not None}
        now = {k: v[1] for k, v in changes.items()}
        ran(
            folder,
            recipe(folder, **before),
            epoch=epoch,
            length=length,
            processes=processes,
            notes=notes,
        )
        cfg = recipe(folder, **now)
        return argv(folder, cfg, '--work-dir', 'w', '--resume', *options)

    return make


def more_images(folder):
    cfg = recipe(folder)
    ran(folder, cfg, epoch=2)
    write_tree(folder / 'images', {'more': 24})
    return argv(folder, cfg, '--work-dir', 'w', '--resume')


def without_resume(folder):
    return argv(folder, recipe(folder), '--new-schedule')


LR = dict(optim_wrapper__optimizer__lr=(0.01, 0.05))
HALF = dict(train_dataloader__batch_size=(4, 2))
LONGER = dict(
    train_cfg__max_epochs=(6, 10), param_scheduler=(cosine(6), cosine(10))
)
BY_EPOCH = dict(
    param_scheduler=(
        cosine(6, convert_to_iter_based=False),
        cosine(6, convert_to_iter_based=False),
    )
)
EMA = [dict(type='EMAHook')]
CONSTRUCTOR = 'DefaultOptimWrapperConstructor'
REPEATED = dict(type='RepeatAugSampler')
SGD = dict(type='SGD', lr=0.01)
SCALED = dict(auto_scale_lr=(dict(base_batch_size=16, enable=True),) * 2)
PLATEAU = [dict(type='ReduceOnPlateauLR', monitor='loss')]
STEPS = [dict(type='MultiStepLR', milestones=[3], by_epoch=True)]

ROWS = [
    Row('resumed as it was, with a schedule', resumed()),
    Row('the same, without notes', resumed(notes=False)),
    Row(
        'a finished run made longer',
        resumed(epoch=6, **LONGER),
        (
            'param_scheduler.0.T_max was 6 and is 10',
            'w/epoch_6.pth',
            'as it was',
            '--new-schedule',
        ),
    ),
    Row(
        'a finished run made longer, with its new schedule',
        resumed('--new-schedule', epoch=6, **LONGER),
    ),
    Row(
        'longer, but not its schedule',
        resumed(train_cfg__max_epochs=(6, 10)),
        ('iterations 36 to 60', 'the run has 10', 'param_scheduler.0.end'),
    ),
    Row(
        'stopped early, and then as long as its schedule',
        resumed(train_cfg__max_epochs=(4, 6)),
    ),
    Row(
        'longer, but a schedule without an end',
        resumed(train_cfg__max_epochs=(6, 10), param_scheduler=(STEPS, STEPS)),
        ('train_cfg.max_epochs=10', 'schedule for 6', *WAYS_OUT),
    ),
    Row(
        'the usual constructor of optimizers, by name',
        resumed(optim_wrapper__constructor=(None, CONSTRUCTOR)),
    ),
    Row(
        'half the batch, of another sampler',
        resumed(train_dataloader__sampler=(REPEATED, REPEATED), **HALF),
        ('12 iterations', 'epochs of 6', *WAYS_OUT),
    ),
    Row(
        'stopped early',
        resumed(train_cfg__max_epochs=(6, 4)),
        notes=('The schedule ends after the run', 'the run has 4 epochs'),
    ),
    Row(
        'longer, without a schedule',
        resumed(
            train_cfg__max_epochs=(6, 10),
            param_scheduler=([], []),
        ),
    ),
    Row(
        'another learning rate',
        resumed(**LR),
        ('optim_wrapper.optimizer.lr was 0.01 and is 0.05', *WAYS_OUT),
    ),
    Row(
        'another learning rate, without notes',
        resumed(notes=False, **LR),
        ('optim_wrapper.optimizer.lr was 0.01 and is 0.05', *WAYS_OUT),
    ),
    Row(
        'another learning rate, with its new schedule',
        resumed('--new-schedule', **LR),
    ),
    Row(
        'another weight decay',
        resumed(optim_wrapper__optimizer__weight_decay=(0.05, 0.1)),
        ('weight_decay was 0.05 and is 0.1', *WAYS_OUT),
    ),
    Row(
        'other momenta',
        resumed(optim_wrapper__optimizer__betas=((0.9, 0.95), [0.9, 0.999])),
        ('optimizer.betas.1 was 0.95 and is 0.999', *WAYS_OUT),
    ),
    Row(
        'settings by layer',
        resumed(
            optim_wrapper__paramwise_cfg=(
                dict(norm_decay_mult=0.0),
                dict(norm_decay_mult=1.0),
            )
        ),
        ('norm_decay_mult was 0.0 and is 1.0', *WAYS_OUT),
    ),
    Row(
        'another optimizer',
        resumed(optim_wrapper__optimizer=(None, SGD)),
        ('optim_wrapper.optimizer.type was AdamW and is SGD', *WAYS_OUT),
    ),
    Row(
        'another optimizer, whose moments are not there',
        resumed('--new-schedule', optim_wrapper__optimizer=(None, SGD)),
        ('type was AdamW and is SGD', 'load_from=w/epoch_2.pth'),
    ),
    Row(
        'the same optimizer, merged and fused',
        resumed(
            optim_wrapper__optimizer__type=('AdamW', 'MergedAdamW'),
            optim_wrapper__optimizer__fused=(None, True),
        ),
    ),
    Row(
        'steps in place of a cosine',
        resumed(param_scheduler=(None, STEPS)),
        ('type was CosineAnnealingLR and is MultiStepLR', *WAYS_OUT),
    ),
    Row(
        'a schedule that follows from metrics',
        resumed('--new-schedule', param_scheduler=(None, PLATEAU)),
        ('param_scheduler.0.type=ReduceOnPlateauLR', 'w/epoch_2.pth'),
    ),
    Row(
        'half the batch',
        resumed(**HALF),
        (
            '12 iterations (24 images, train_dataloader.batch_size=2',
            'epochs of 6 (train_dataloader.batch_size=4',
            *WAYS_OUT,
        ),
    ),
    Row(
        'half the batch, without notes',
        resumed(notes=False, **HALF),
        ('12 iterations', 'epochs of 6', *WAYS_OUT),
    ),
    Row(
        'half the batch, with its new schedule',
        resumed('--new-schedule', **HALF),
    ),
    Row('half the batch, by epoch', resumed(**HALF, **BY_EPOCH)),
    Row(
        'half the batch in twice the processes',
        resumed(length=6, processes=2, train_dataloader__batch_size=(2, 4)),
    ),
    Row(
        'fewer processes',
        resumed(length=3, processes=2),
        ('processes: 1', 'epochs of 3', 'processes: 2', *WAYS_OUT),
    ),
    Row(
        'more images',
        more_images,
        ('12 iterations (48 images', 'epochs of 6', *WAYS_OUT),
    ),
    Row(
        'a learning rate that is scaled now',
        resumed('--auto-scale-lr'),
        ('the factor of auto_scale_lr was 1.0 and is 0.25', *WAYS_OUT),
    ),
    Row(
        'a learning rate that is scaled for other processes',
        resumed(length=3, processes=2, **SCALED, **BY_EPOCH),
        ('the factor of auto_scale_lr was 0.5 and is 0.25', *WAYS_OUT),
    ),
    Row('a learning rate that is scaled as before', resumed(**SCALED)),
    Row(
        'another seed',
        resumed(randomness__seed=(3, 4)),
        ('randomness.seed=4', 'restores seed 3', 'randomness.seed=3'),
    ),
    Row('the seed that was drawn', resumed(randomness__seed=(3, None))),
    Row(
        'averaged weights without the hook',
        resumed(custom_hooks=(EMA, [])),
        ('custom_hooks has no EMAHook', 'averages', 'load_from='),
    ),
    Row('averaged weights with the hook', resumed(custom_hooks=(EMA, EMA))),
    Row('averages from now on', resumed(custom_hooks=([], EMA))),
    Row(
        'iterations in place of epochs',
        resumed(
            train_cfg=(
                None,
                dict(_delete_=True, by_epoch=False, max_iters=90),
            )
        ),
        ('train_cfg counts iterations', 'counts epochs', 'load_from='),
    ),
    Row(
        'a new schedule for nothing',
        without_resume,
        ('--new-schedule', '--resume'),
    ),
]
