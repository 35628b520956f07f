# Copyright (c) aemim_mm contributors. All rights reserved.
"""Nothing to do, nothing to judge by: lengths, schedules, figures."""

from fashion_mnist_files import write_fashion_mnist
from test_agreement.earlier_run import weights
from test_agreement.table import (
    Row,
    argv,
    changed,
    classification,
    pretraining,
)

BEST = 'default_hooks.checkpoint.save_best'


def pretrain(*options, images=24, **changes):
    """Start pre-training (2 epochs, 6 x 4 images) with other values."""
    changes = {key.replace('__', '.'): v for key, v in changes.items()}
    return lambda folder: argv(
        folder, changed(pretraining(folder, images), changes), *options
    )


def classify(*options, **changes):
    """Start to train a classifier (2 epochs, 6 x 4) with other values."""
    changes = {key.replace('__', '.'): v for key, v in changes.items()}
    return lambda folder: argv(
        folder, changed(classification(folder), changes), *options
    )


def tested(**changes):
    """Test a checkpoint of the classifier."""

    def make(folder):
        path = weights(str(folder / 'trained.pth'))
        return argv(folder, changed(classification(folder), changes), path)

    return make


def empty_list(phase):
    """A list of images without a line."""

    def make(folder):
        (folder / 'empty.txt').write_text('')
        root = str(folder)
        data = dict(ann_file='empty.txt', data_root=root)
        cfg = classification(folder)
        cfg[f'{phase}_dataloader']['dataset'].update(data)
        return argv(folder, cfg)

    return make


def cosine(**options):
    """The scheduler of a run without warm-up."""
    return [dict(type='CosineAnnealingLR', by_epoch=True, **options)]


def warm_up(end, **options):
    """The scheduler of a warm-up."""
    return dict(type='LinearLR', start_factor=0.1, end=end, **options)


ITERATIONS = dict(_delete_=True, by_epoch=False, max_iters=12, val_interval=6)
EVALUATOR = dict(
    _delete_=True, type='Evaluator', metrics=[dict(type='Accuracy')]
)
BATCH_NORM = dict(type='ClsBatchNormNeck', input_features=32)

DATA = [
    Row('healthy pre-training', pretrain()),
    Row('healthy classifier', classify()),
    Row(
        'fewer images than a batch',
        pretrain(images=3, train_dataloader__drop_last=True),
        ('holds 3 images', 'train_dataloader.batch_size=4', 'drop_last=True'),
    ),
    Row(
        'fewer images than a batch, of another sampler',
        pretrain(
            images=3,
            train_dataloader__drop_last=True,
            train_dataloader__sampler=dict(type='RepeatAugSampler'),
        ),
        ('holds 3 images', 'drop_last=True'),
    ),
    Row('a batch that is not full', pretrain(images=3)),
    Row(
        'an empty list to train on',
        empty_list('train'),
        ('train_dataloader.dataset', "ann_file='empty.txt'", 'no image'),
    ),
    Row(
        'an empty list to validate on',
        empty_list('val'),
        ('val_dataloader.dataset', "ann_file='empty.txt'", 'no image'),
    ),
    Row(
        'a folder without images',
        lambda folder: argv(
            folder, classification(folder, train=dict(ant=0, bee=0, cat=0))
        ),
        ('train_dataloader.dataset', 'Found 0 files'),
    ),
    Row(
        'a last batch of one under batch norm',
        classify(model__neck=BATCH_NORM, train_dataloader__batch_size=23),
        ('model.neck', 'ClsBatchNormNeck', '24 images', 'batches of 23'),
    ),
    Row(
        'batches of one under batch norm',
        classify(model__neck=BATCH_NORM, train_dataloader__batch_size=1),
        ('ClsBatchNormNeck', 'batches of 1 '),
    ),
    Row(
        'a last batch of one under the norm of a projector',
        classify(
            model__neck=dict(
                type='LinearNeck', in_channels=32, out_channels=32
            ),
            train_dataloader__batch_size=23,
        ),
        ('model.neck', 'LinearNeck', 'drop_last=True'),
    ),
    Row(
        'a last batch of one is dropped',
        classify(
            model__neck=BATCH_NORM,
            train_dataloader__batch_size=23,
            train_dataloader__drop_last=True,
        ),
    ),
    Row(
        'a last batch of two under batch norm',
        classify(model__neck=BATCH_NORM, train_dataloader__batch_size=22),
    ),
]

EVENTS = [
    Row(
        'validation begins after the run',
        classify(train_cfg__val_begin=3),
        ('train_cfg.val_begin=3', '2 epochs', '--no-validate'),
    ),
    Row(
        'validation interval beyond the iterations',
        classify(
            train_cfg={**ITERATIONS, 'val_interval': 13},
            default_hooks__checkpoint__by_epoch=False,
        ),
        notes=(
            'train_cfg.val_interval=13',
            '12 iterations',
            'only at the end',
        ),
    ),
    Row(
        'a validation interval of more epochs than there are',
        classify(train_cfg__val_interval=5),
        notes=('train_cfg.val_interval=5', '2 epochs', 'only at the end'),
    ),
    Row(
        'a test of what was trained too short for averaging',
        tested(custom_hooks=[dict(type='EMAHook', begin_epoch=5)]),
        tool='test',
    ),
    Row(
        'averaging begins after the run',
        classify(
            custom_hooks=[dict(type='EMAHook', begin_epoch=5)],
        ),
        ('custom_hooks.0.begin_epoch=5', '2 epochs'),
    ),
    Row(
        'averaging begins after the last iteration',
        classify(custom_hooks=[dict(type='EMAHook', begin_iter=13)]),
        ('custom_hooks.0.begin_iter=13', '12 iterations'),
    ),
    Row(
        'a recipe switches after the run',
        classify(
            custom_hooks=[
                dict(
                    type='SwitchRecipeHook',
                    schedule=[dict(action_epoch=3, train_augments=None)],
                )
            ]
        ),
        ('custom_hooks.0.schedule.0.action_epoch=3', '2 epochs'),
    ),
    Row(
        'checkpoints begin after the run',
        classify(default_hooks__checkpoint__save_begin=3),
        ('default_hooks.checkpoint.save_begin=3', '2 epochs'),
    ),
    Row(
        'the last checkpoint is not saved',
        classify(
            default_hooks__checkpoint__save_last=False,
            default_hooks__checkpoint__interval=3,
        ),
        ('save_last=False', 'interval=3', '2 epochs'),
    ),
    Row(
        'no checkpoint is saved at all',
        classify(
            default_hooks__checkpoint__save_last=False,
            default_hooks__checkpoint__interval=-1,
        ),
        ('save_last=False', 'interval=-1', '2 epochs'),
    ),
    Row(
        'the best checkpoint alone is saved',
        classify(
            default_hooks__checkpoint__save_last=False,
            default_hooks__checkpoint__interval=-1,
            **{BEST: 'accuracy/top1'},
        ),
    ),
    Row(
        'an interval of checkpoints beyond the run',
        classify(default_hooks__checkpoint__interval=100),  # the last is saved
    ),
    Row(
        'checkpoints by epoch in a run by iteration',
        classify(
            train_cfg=ITERATIONS,
        ),
        notes=('checkpoint.by_epoch=True', 'max_iters=12'),
    ),
]

SCHEDULES = [
    Row(
        'a warm-up longer than the run',
        pretrain(param_scheduler=[warm_up(5), *cosine(begin=5, end=10)]),
        ('param_scheduler.0', 'epoch 5', '2 epochs'),
    ),
    Row(
        'a warm-up of more iterations than the run has',
        pretrain(param_scheduler=[warm_up(500, by_epoch=False)]),
        ('param_scheduler.0', 'iteration 500', '12 iterations'),
    ),
    Row(
        'a schedule shorter than the run',
        pretrain(param_scheduler=cosine(T_max=1, end=1)),
        ('epochs 1 to 2', 'iterations 6 to 12', 'param_scheduler.0.end'),
    ),
    Row(
        'a gap after the warm-up',
        pretrain(
            train_cfg__max_epochs=4,
            param_scheduler=[warm_up(1), *cosine(begin=2, end=4)],
        ),
        ('epochs 1 to 2', 'iterations 6 to 12', 'ConstantLR'),
    ),
    Row(
        'a gap that is meant',
        pretrain(
            train_cfg__max_epochs=4,
            param_scheduler=[
                warm_up(1),
                dict(type='ConstantLR', factor=1, begin=1, end=2),
                *cosine(begin=2, end=4),
            ],
        ),
    ),
    Row(
        'a rate that stays, of a longer run',
        pretrain(param_scheduler=[dict(type='ConstantLR', factor=1, end=300)]),
        notes=('ends after the run',),
    ),
    Row(
        'a cosine in iterations that ends early',
        pretrain(
            param_scheduler=[
                dict(type='CosineAnnealingLR', by_epoch=False, end=10)
            ]
        ),
        ('iterations 10 to 12', 'the run has 12 iterations'),
    ),
    Row(
        'milestones of a shorter run',
        pretrain(
            train_cfg__max_epochs=4,
            param_scheduler=[
                dict(type='MultiStepLR', milestones=[1], end=2),
            ],
        ),
        ('epochs 2 to 4', 'the run has 4 epochs'),
    ),
    Row(
        'a cosine that would rise again',
        pretrain(train_cfg__max_epochs=10, param_scheduler=cosine(T_max=6)),
        ('T_max is 6 epochs', '10 epochs', 'rise again from epoch 6'),
    ),
    Row(
        'a cosine from the start of the run that would rise again',
        pretrain(
            train_cfg__max_epochs=10,
            param_scheduler=[
                warm_up(2),
                dict(type='WholeRunCosineLR', T_max=9, begin=2, end=10),
            ],
        ),
        ('T_max is 9 epochs', '10 epochs', 'rise again from epoch 9'),
    ),
    Row(
        'a cosine from the start of the run',
        pretrain(
            train_cfg__max_epochs=10,
            param_scheduler=[
                warm_up(2),
                dict(type='WholeRunCosineLR', begin=2, end=10),
            ],
        ),
    ),
    Row(
        'a schedule by epochs in a run by iterations',
        classify(
            train_cfg=ITERATIONS,
            default_hooks__checkpoint__by_epoch=False,
            param_scheduler=cosine(T_max=12),
        ),
        ('param_scheduler.0', 'by_epoch=True', 'max_iters=12'),
    ),
    Row(
        'a schedule longer than the run',
        pretrain(param_scheduler=cosine(T_max=5, end=5)),
        notes=('param_scheduler.0 at epoch 5', 'the run has 2 epochs'),
    ),
    Row('a warm-up and nothing else', pretrain(param_scheduler=[warm_up(1)])),
    Row(
        'a schedule that fits',
        pretrain(
            param_scheduler=[
                warm_up(1, convert_to_iter_based=True),
                *cosine(T_max=1, begin=1, end=2, convert_to_iter_based=True),
            ]
        ),
    ),
    Row(
        'a schedule in iterations and epochs that fits',
        pretrain(
            param_scheduler=[
                warm_up(4, by_epoch=False),
                dict(type='MultiStepLR', milestones=[1], end=2),
            ]
        ),
    ),
]

FIGURES = [
    Row(
        'the best by a figure that is not given',
        classify(**{BEST: 'accuracy/top5'}),
        (f"{BEST}='accuracy/top5'", 'accuracy/top1', 'Did you mean'),
    ),
    Row(
        'the best by a figure of another library',
        classify(**{BEST: 'coco/bbox_mAP'}),
        (f"{BEST}='coco/bbox_mAP'", 'accuracy/top1'),
    ),
    Row(
        'the best of several figures, one not given',
        classify(
            val_evaluator=[
                dict(type='Accuracy', topk=(1,)),
                dict(type='SingleLabelMetric', items=('recall',)),
            ],
            default_hooks__checkpoint__rule='greater',
            **{BEST: ['single-label/recall', 'single-label/precision']},
        ),
        ("'single-label/precision'", 'accuracy/top1, single-label/recall'),
    ),
    Row(
        'the best by a figure that is not given, of an evaluator',
        classify(val_evaluator=EVALUATOR, **{BEST: 'acuracy/top1'}),
        (f"{BEST}='acuracy/top1'", 'gives accuracy/top1'),
    ),
    Row(
        'the best by a figure of an evaluator',
        classify(val_evaluator=EVALUATOR, **{BEST: 'accuracy/top1'}),
    ),
    Row(
        'the best by what mmengine will say that it does not know',
        classify(
            val_evaluator=dict(_delete_=True, type='Unknown'),
            **{BEST: 'some/figure'},
        ),
    ),
    Row(
        'the best of pre-training',
        pretrain(**{BEST: 'auto'}),
        (f"{BEST}='auto'", 'no validation', 'fine-tuning', f'{BEST}=None'),
    ),
    Row(
        'the best without validation',
        classify('--no-validate', **{BEST: 'accuracy/top1'}),
        (f"{BEST}='accuracy/top1'", 'no validation'),
    ),
    Row(
        'an early stop by a figure that is not given',
        classify(
            custom_hooks=[
                dict(type='EarlyStoppingHook', monitor='accuracy/top3')
            ]
        ),
        ("custom_hooks.0.monitor='accuracy/top3'", 'accuracy/top1'),
    ),
    Row(
        'a plateau of a figure that is not given',
        classify(
            param_scheduler=[
                dict(type='ReduceOnPlateauLR', monitor='acc/top1')
            ]
        ),
        ("param_scheduler.0.monitor='acc/top1'", 'accuracy/top1'),
    ),
    Row('the best by a given figure', classify(**{BEST: 'accuracy/top1'})),
    Row('the best by the first figure', classify(**{BEST: 'auto'})),
    Row(
        'the five likeliest of three classes',
        classify(val_evaluator=dict(type='Accuracy', topk=(1, 5))),
        ('val_evaluator.topk=', '5', 'model.head.num_classes=3'),
    ),
]


def fashion_mnist(wrapped=False, **dataset):
    """Validate on the stand-in for Fashion-MNIST."""

    def make(folder):
        root = str(folder / 'data')
        write_fashion_mnist(folder / 'data')
        cfg = classification(folder, num_classes=10)
        cfg['train_dataloader']['dataset'] = dict(
            type='FashionMNIST', data_root=root, split='train', pipeline=[]
        )
        cfg['val_dataloader']['dataset'] = dict(
            type='FashionMNIST', data_root=root, pipeline=[], **dataset
        )
        if wrapped:
            cfg['val_dataloader']['dataset'] = dict(
                type='RepeatDataset',
                times=2,
                dataset=cfg['val_dataloader']['dataset'],
            )
        return argv(folder, cfg)

    return make


SPLITS = [
    Row(
        'test images that are training images',
        fashion_mnist(split='test'),
        ("val_dataloader.dataset.split='test'", 'test_mode=False'),
    ),
    Row(
        'test images that are training images, in a wrapper',
        fashion_mnist(split='test', wrapped=True),
        ("val_dataloader.dataset.dataset.split='test'", 'test_mode=False'),
    ),
    Row('test images', fashion_mnist(split='test', test_mode=True)),
    Row('training images that are meant', fashion_mnist(split='train')),
]

ROWS = [*DATA, *EVENTS, *SCHEDULES, *FIGURES, *SPLITS]
