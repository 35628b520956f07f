# Copyright (c) aemim_mm contributors. All rights reserved.
"""Class folders: labels by their names."""

import torch
from test_agreement.table import (
    CLASSES,
    Row,
    argv,
    changed,
    classification,
    loader,
    write_tree,
)

FULL = dict.fromkeys(CLASSES, 8)
SOME = dict.fromkeys(CLASSES, 2)
HEAD = 'model.head.num_classes'
PIXELS = 'model.data_preprocessor.num_classes'
# Some classes of ImageNet-1K.
PART = {'n01443537': 1, 'n01484850': 2, 'n15075141': 999}


def folders(train=FULL, val=SOME, num_classes=3, **changes):
    """Train on class folders with so many images each."""
    changes = {key.replace('__', '.'): v for key, v in changes.items()}
    return lambda folder: argv(
        folder,
        changed(classification(folder, train, val, num_classes), changes),
    )


def labels_of(phase, expected):
    """A judge: the class folders and labels of a data set."""

    def check(run):
        dataset = run.data[phase]
        found = {
            info['img_path'].split('/')[-2]: info['gt_label']
            for info in map(dataset.get_data_info, range(len(dataset)))
        }
        assert found == expected

    return check


def without(name):
    return {key: value for key, value in SOME.items() if key != name}


def tested(stored, val=SOME, written='', damaged=False, **changes):
    """Test a checkpoint whose classes are stored.

    A list of images may be written, and the checkpoint cut.
    """
    changes = {key.replace('__', '.'): v for key, v in changes.items()}

    def make(folder):
        cfg = changed(classification(folder, val=val), changes)
        meta = dict(dataset_meta=dict(classes=stored)) if stored else {}
        content = dict(state_dict={}, meta=meta)
        torch.save(content, folder / 'model.pth')
        if damaged:
            (folder / 'model.pth').write_bytes(b'PK')
        if written:
            (folder / 'val/list.txt').write_text(written)
        return argv(folder, cfg, 'model.pth')

    return make


FOLDERS = [
    Row(
        'validation lacks a class',
        folders(val=without('bee')),
        notes=('val_dataloader.dataset', 'without bee'),
        check=labels_of('val', dict(ant=0, cat=2)),
    ),
    Row('a class without images to validate', folders(val={**SOME, 'bee': 0})),
    Row(
        'validation lacks the last class',
        folders(val=without('cat')),
        notes=('val_dataloader.dataset', 'without cat'),
        check=labels_of('val', dict(ant=0, bee=1)),
    ),
    Row(
        'a class in validation alone',
        folders(val={**SOME, 'dog': 2}),
        ('val_dataloader.dataset', 'dog', 'ant, bee, cat, dog', 'Rename'),
    ),
    Row(
        'a class of another name',
        folders(val={**without('bee'), 'wasp': 2}),
        ('wasp', 'ant, cat, wasp', 'ant, bee, cat'),
    ),
    Row(
        'a class in other letters',
        folders(val={**without('bee'), 'Bee': 2}),
        ('Bee', 'ant, bee, cat'),
    ),
    Row(
        'a hidden folder to train on',
        folders(train={**FULL, '.ipynb_checkpoints': 1}),
        notes=('train_dataloader.dataset', 'hidden: .ipynb_checkpoints'),
        check=labels_of('train', dict(ant=0, bee=1, cat=2)),
    ),
    Row(
        'a hidden folder to validate on',
        folders(val={**SOME, '.thumbnails': 1}),
        notes=('val_dataloader.dataset', 'hidden: .thumbnails'),
        check=labels_of('val', dict(ant=0, bee=1, cat=2)),
    ),
    Row(
        'a hidden folder without images',
        folders(val={**SOME, '.git': 0}),
        notes=('val_dataloader.dataset', 'hidden: .git'),
        check=labels_of('val', dict(ant=0, bee=1, cat=2)),
    ),
    Row(
        'a hidden folder in a class',
        folders(val={**SOME, 'bee/.thumbnails': 1}),
        notes=('val_dataloader.dataset', 'hidden: bee/.thumbnails'),
        check=labels_of('val', dict(ant=0, bee=1, cat=2)),
    ),
    Row(
        'a class without images to train on',
        folders(train={**FULL, 'bee': 0}),
        ('train_dataloader.dataset', 'ant, bee, cat', 'no image of bee'),
    ),
    Row(
        'a class without a folder to train on',
        folders(
            train={'ant': 8, 'cat': 8},
            train_dataloader__dataset__metainfo=dict(classes=CLASSES),
        ),
        ('train_dataloader.dataset.metainfo.classes', 'no image of bee'),
    ),
    Row(
        'a class with nothing but hidden files to train on',
        lambda folder: argv(folder, hidden_files(folder)),
        ('train_dataloader.dataset', 'no image of bee'),
    ),
    Row(
        'a class without images in one of two trees',
        lambda folder: argv(folder, two_trees(folder, dict(ant=4, bee=0))),
        notes=('train_dataloader.dataset.datasets.1', 'without cat'),
        check=lambda run: judge_trees(run.data['train']),
    ),
    Row(
        'two trees of other classes',
        lambda folder: argv(folder, two_trees(folder, dict(ant=4, dog=4))),
        ('train_dataloader.dataset.datasets.1', 'dog', 'ant, bee, cat'),
    ),
    Row(
        'classes of the config in an order of their own',
        folders(
            train_dataloader__dataset__metainfo=dict(
                classes=('cat', 'ant', 'bee')
            )
        ),
        notes=('val_dataloader.dataset', 'metainfo.classes', 'in its order'),
        check=lambda run: [
            labels_of(phase, dict(cat=0, ant=1, bee=2))(run)
            for phase in ('train', 'val')
        ],
    ),
    Row(
        'classes that are other words for the folders',
        folders(
            train_dataloader__dataset__metainfo=dict(
                classes=('Ameise', 'Biene', 'Katze')
            )
        ),
        check=labels_of('train', dict(ant=0, bee=1, cat=2)),
    ),
    Row(
        'classes of the config of which one is misspelt',
        folders(
            train_dataloader__dataset__metainfo=dict(
                classes=('ant', 'Bee', 'cat')
            )
        ),
        ('train_dataloader.dataset', 'ant, bee, cat', 'ant, Bee, cat'),
    ),
    Row(
        'a class that is named twice',
        folders(
            train_dataloader__dataset__metainfo=dict(
                classes=('ant', 'bee', 'bee')
            )
        ),
        ('train_dataloader.dataset.metainfo.classes', 'bee more than once'),
    ),
    Row(
        'a data set within a wrapper',
        lambda folder: argv(folder, wrapped(folder)),
        notes=('val_dataloader.dataset.dataset', 'without bee'),
    ),
    Row(
        'folders of ImageNet that are others',
        folders(train_dataloader__dataset__type='ImageNet'),
        ('train_dataloader.dataset', '1000 folders', 'n01440764', 'ant, bee'),
    ),
    Row(
        'one folder of ImageNet lacks, and one is hidden',
        lambda folder: argv(folder, imagenet(folder)),
        ('val_dataloader.dataset', 'n01440764', '.DS'),
    ),
    Row(
        'validation on a part of the folders of ImageNet',
        lambda folder: argv(folder, part_of_imagenet(folder)),
        notes=('val_dataloader.dataset', 'without n01440764'),
        check=labels_of('val', PART),
    ),
    Row(
        'ImageNet with classes of its own',
        lambda folder: argv(folder, other_imagenet(folder)),
    ),
    Row(
        'ImageNet with classes of its own, of which validation lacks one',
        lambda folder: argv(folder, other_imagenet(folder, without('bee'))),
        notes=('val_dataloader.dataset', 'without bee'),
        check=labels_of('val', dict(ant=0, cat=2)),
    ),
    Row(
        'a part of the classes that is meant',
        lambda folder: argv(folder, imagenet_a(folder)),
    ),
]


def wrapped(folder):
    cfg = classification(folder, val=without('bee'))
    inner = cfg['val_dataloader']['dataset']
    cfg['val_dataloader']['dataset'] = dict(
        type='RepeatDataset', times=2, dataset=inner
    )
    return cfg


def hidden_files(folder):
    cfg = classification(folder, train={**FULL, 'bee': 1})
    (folder / 'train/bee/00.png').rename(folder / 'train/bee/._00.png')
    return cfg


def two_trees(folder, second):
    """Train on two trees of class folders."""
    cfg = classification(folder)
    trees = [
        loader(str(folder / 'train'))['dataset'],
        loader(write_tree(folder / 'more', second))['dataset'],
    ]
    cfg['train_dataloader']['dataset'] = dict(
        type='ConcatDataset', datasets=trees
    )
    return cfg


def judge_trees(dataset):
    labels = [
        dataset.get_data_info(place)['gt_label']
        for place in range(len(dataset))
    ]
    assert labels == [0] * 8 + [1] * 8 + [2] * 8 + [0] * 4


def synsets():
    from aemim_mm.datasets.label_spaces import synset_to_index

    return sorted(synset_to_index())


def imagenet(folder):
    """ImageNet's folders, of which one is hidden and one new."""
    root = folder / 'imagenet'
    for name in [*synsets()[1:], '.DS']:
        (root / name).mkdir(parents=True)
        (root / name / 'x.png').touch()
    cfg = classification(folder, num_classes=1000)
    cfg['val_dataloader'] = loader(str(root))
    cfg['val_dataloader']['dataset']['type'] = 'ImageNet'
    return cfg


def part_of_imagenet(folder):
    """Train on ImageNet, validate on class folders of some of its classes."""
    cfg = imagenet(folder)
    root = folder / 'imagenet'
    (root / '.DS').rename(root / 'n01440764')
    cfg['train_dataloader'] = cfg['val_dataloader']
    cfg['val_dataloader'] = loader(
        write_tree(folder / 'part', dict.fromkeys(PART, 1))
    )
    return cfg


def other_imagenet(folder, val=SOME):
    """Mmpretrain's ``ImageNet`` on a tree of three classes."""
    cfg = classification(folder, val=val)
    for phase in ('train', 'val'):
        cfg[f'{phase}_dataloader']['dataset'].update(
            type='ImageNet',
            data_root=str(folder),
            split=phase,
            metainfo=dict(classes=CLASSES),
        )
    return cfg


def imagenet_a(folder):
    """A classifier of 1000 classes tested on two of them."""
    root = write_tree(folder / 'a', dict.fromkeys(synsets()[5:7], 1))
    cfg = classification(folder, num_classes=1000)
    cfg['train_dataloader'] = loader(root)
    cfg['val_dataloader'] = loader(root)
    for key in ('train', 'val'):
        cfg[f'{key}_dataloader']['dataset']['type'] = 'ImageNetVariant'
    return cfg


ROWS = FOLDERS
