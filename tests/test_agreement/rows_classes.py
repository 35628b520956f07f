# Copyright (c) aemim_mm contributors. All rights reserved.
"""Numbers and names of classes: heads, lists, checkpoints."""

import torch
from mmpretrain.datasets import ImageNet
from test_agreement.rows_folders import (
    HEAD,
    PART,
    PIXELS,
    SOME,
    folders,
    labels_of,
    other_imagenet,
    part_of_imagenet,
    tested,
    without,
)
from test_agreement.table import (
    CLASSES,
    Row,
    argv,
    classification,
)


def listed_names(train, val):
    """Read lists in both phases whose classes have these names."""

    def make(folder):
        cfg = classification(folder)
        for phase, names in (('train', train), ('val', val)):
            path = folder / f'{phase}.txt'
            path.write_text('ant/00.png 0\nbee/00.png 1\n' * 4)
            cfg[f'{phase}_dataloader']['dataset'].update(
                ann_file=str(path), metainfo=dict(classes=names)
            )
        return argv(folder, cfg)

    return make


NUMBERS = [
    Row(
        'a head of ten classes',
        folders(model__head__num_classes=10),
        (f'{HEAD}=10', f'{PIXELS}=3'),
    ),
    Row(
        'ten classes in head and preprocessor',
        folders(num_classes=10),
        (f'{HEAD}=10', '3 classes (ant, bee, cat)', f'{HEAD}=3'),
    ),
    Row(
        'a preprocessor of two classes',
        folders(model__data_preprocessor__num_classes=2),
        (f'{HEAD}=3', f'{PIXELS}=2'),
    ),
    Row(
        'a head of too few classes',
        folders(num_classes=2),
        (f'{HEAD}=2', '3 classes (ant, bee, cat)'),
    ),
    Row(
        'names of classes of another number',
        folders(train_dataloader__dataset__metainfo=dict(classes=('a', 'b'))),
        ('train_dataloader.dataset', 'number of subfolders (3)'),
    ),
    Row(
        'classes in another order to validate',
        folders(
            val_dataloader__dataset__metainfo=dict(
                classes=('cat', 'ant', 'bee')
            )
        ),
        ('val_dataloader.dataset', 'cat, ant, bee', 'ant, bee, cat'),
    ),
    Row(
        'another class to validate in a list',
        listed_names(('ant', 'bee', 'cat'), ('ant', 'bee', 'dog')),
        ('val_dataloader.dataset', 'ant, bee, dog', 'ant, bee, cat'),
    ),
    Row(
        'an evaluator of ten classes',
        folders(
            val_evaluator=[dict(type='SingleLabelMetric', num_classes=10)]
        ),
        ('val_evaluator.0.num_classes=10', f'{HEAD}=3'),
    ),
    Row(
        'an evaluator of these classes',
        folders(val_evaluator=[dict(type='SingleLabelMetric', num_classes=3)]),
    ),
    Row(
        'all parts of a model to be put right at once',
        folders(num_classes=1000),
        (f'--cfg-options {HEAD}=3 {PIXELS}=3',),
    ),
]


def listed(*lines, phase='train', **dataset):
    """Read the images of a list in place of class folders."""

    def make(folder):
        cfg = classification(folder)
        (folder / 'list.txt').write_text(''.join(f'{x}\n' for x in lines))
        cfg[f'{phase}_dataloader']['dataset'].update(
            ann_file='list.txt', **dataset
        )
        cfg[f'{phase}_dataloader']['dataset']['data_root'] = ''
        cfg[f'{phase}_dataloader']['dataset']['data_prefix'] = 'train'
        return argv(folder, cfg)

    return make


def images(*labels):
    return [f'ant/{place:02d}.png {y}' for place, y in enumerate(labels)]


def imagenet_list(folder, label):
    """ImageNet's layout with ``meta/val.txt``."""
    cfg = other_imagenet(folder)
    (folder / 'meta').mkdir()
    (folder / 'meta/val.txt').write_text(f'ant/00.png 0\nbee/00.png {label}')
    return cfg


LISTS = [
    Row('a list', listed(*images(0, 1, 2, 2))),
    Row('a list of a part of the classes', listed(*images(0, 0, 1, 1))),
    Row(
        'a label beyond the classes',
        listed(*images(0, 1, 7, 2)),
        (
            'train_dataloader.dataset.ann_file',
            'line 3',
            'label 7',
            f'{HEAD}=3',
        ),
    ),
    Row(
        'labels counted from one',
        listed(*images(1, 2, 3, 1)),
        ('from 1 to 3', 'counted from one', f'{HEAD}=3', 'Subtract 1'),
    ),
    Row(
        'a negative label',
        listed(*images(0, -1, 2, 1)),
        ('line 2', "'ant/01.png -1'", 'from 0 to 2'),
    ),
    Row(
        'a label that is a name',
        listed(*images(0, 'bee', 2, 1)),
        ('line 2', "'ant/01.png bee'"),
    ),
    Row(
        'a list without labels',
        listed('ant/00.png', 'ant/01.png'),
        ('line 1', "'ant/00.png'", 'with_label=False'),
    ),
    Row(
        'a list with an empty line',
        listed('ant/00.png 0', '', 'ant/01.png 1'),
        ('train_dataloader.dataset.ann_file', 'line 2', "''"),
    ),
    Row(
        'a label beyond the classes in the list of ImageNet',
        lambda folder: argv(folder, imagenet_list(folder, 3)),
        ('val_dataloader.dataset.ann_file', 'meta/val.txt', 'label 3'),
    ),
    Row(
        'the list of ImageNet with classes of its own',
        lambda folder: argv(folder, imagenet_list(folder, 2)),
    ),
    Row('paths with white space', listed(*images(0, 1), 'my cat/0 0.png 2')),
    Row(
        'a label beyond the classes to validate',
        listed(*images(0, 3), phase='val'),
        ('val_dataloader.dataset.ann_file', 'line 2', 'label 3'),
    ),
]


def tested_on_part(folder):
    """Test a checkpoint of ImageNet on some of its folders."""
    cfg = part_of_imagenet(folder)
    cfg['test_dataloader'] = cfg['val_dataloader']
    classes = ImageNet.METAINFO['classes']
    meta = dict(dataset_meta=dict(classes=classes))
    torch.save(dict(state_dict={}, meta=meta), folder / 'model.pth')
    return argv(folder, cfg, 'model.pth')


TESTED = [
    Row('a checkpoint of these classes', tested(CLASSES), tool='test'),
    Row('a checkpoint without classes', tested(None), tool='test'),
    Row(
        'a checkpoint of other words',
        tested(('n1', 'n2', 'n3')),
        tool='test',
    ),
    Row(
        'test images lack a class of the checkpoint',
        tested(CLASSES, val=without('bee')),
        notes=('test_dataloader.dataset', 'model.pth', 'without bee'),
        tool='test',
        check=labels_of('test', dict(ant=0, cat=2)),
    ),
    Row(
        'test images of a class that the checkpoint lacks',
        tested(CLASSES, val={**SOME, 'dog': 1}),
        ('test_dataloader.dataset', 'dog', 'model.pth'),
        tool='test',
    ),
    Row(
        'a checkpoint of classes in another order',
        tested(('cat', 'bee', 'ant')),
        notes=('test_dataloader.dataset', 'in its order'),
        tool='test',
        check=labels_of('test', dict(cat=0, bee=1, ant=2)),
    ),
    Row(
        'a checkpoint of more classes',
        tested((*CLASSES, 'dog')),
        (f'{HEAD}=3', '4 classes'),
        tool='test',
    ),
    Row(
        'a checkpoint of more classes than the head, and a list',
        tested(
            (*CLASSES, 'dog'),
            test_dataloader__dataset__ann_file='list.txt',
            written='ant/00.png 0',
        ),
        (f'{HEAD}=3', 'the checkpoint model.pth has 4 classes'),
        tool='test',
    ),
    Row(
        'a checkpoint of ImageNet, and a part of its folders',
        lambda folder: tested_on_part(folder),
        notes=('test_dataloader.dataset', 'without n01440764'),
        tool='test',
        check=labels_of('test', PART),
    ),
    Row(
        'a damaged checkpoint to test',
        tested(CLASSES, damaged=True),
        ('model.pth', 'truncated'),
        tool='test',
    ),
]

ROWS = [*NUMBERS, *LISTS, *TESTED]
