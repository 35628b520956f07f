# Copyright (c) aemim_mm contributors. All rights reserved.
"""Classes and labels: folders, lists, COCO, heads, checkpoints."""

import json

import tiny_run
import torch
from mmpretrain.datasets import ImageNet
from PIL import Image
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

SHAPES = ('circle', 'square', 'triangle')


def detection(json_names=SHAPES, classes=SHAPES, **changes):
    """Train the recipe for shapes on one image with one object."""

    def make(folder):
        for name in ('train2017', 'val2017', 'annotations'):
            (folder / name).mkdir()
        content = dict(
            images=[dict(id=1, file_name='1.png', width=64, height=64)],
            annotations=[
                dict(
                    id=1,
                    image_id=1,
                    category_id=1,
                    bbox=[8, 8, 16, 16],
                    area=256,
                    iscrowd=0,
                    segmentation=[[8, 8, 24, 8, 24, 24]],
                )
            ],
            categories=[
                dict(id=place, name=name)
                for place, name in enumerate(json_names, 1)
            ],
        )
        for name in ('train', 'val'):
            Image.new('RGB', (64, 64)).save(folder / f'{name}2017/1.png')
            path = folder / f'annotations/instances_{name}2017.json'
            path.write_text(json.dumps(content))
        recipe = 'mask-rcnn_vit-tiny-p16_plain-fpn_1xb2-100e_mini-coco.py'
        path = folder / 'tiny.py'
        path.write_text(f"_base_ = '{tiny_run.ROOT}/configs/coco/{recipe}'\n")
        options = {
            'model.backbone.init_cfg': None,
            'param_scheduler': [],
            'val_evaluator.ann_file': 'annotations/instances_train2017.json',
            'test_evaluator.ann_file': 'annotations/instances_val2017.json',
        }
        for phase in ('train', 'val', 'test'):
            dataset = f'{phase}_dataloader.dataset'
            options[f'{dataset}.data_root'] = ''
            if classes != SHAPES:
                options[f'{dataset}.metainfo.classes'] = repr(classes)
        options.update({k.replace('__', '.'): v for k, v in changes.items()})
        words = [f'{key}={value}' for key, value in options.items()]
        return [str(path), '--cfg-options', *words]

    return make


PHASES = ('train', 'val', 'test')


def wrapped_detection(folder):
    """Repeat a training set one of whose classes is misspelt."""
    arguments = detection()(folder)
    with open(arguments[0], 'a') as file:
        file.write(
            'train_dataloader = dict(dataset=dict(\n'
            "    _delete_=True, type='RepeatDataset', times=2,\n"
            "    dataset=dict(type='CocoDataset', pipeline=[],\n"
            "        ann_file='annotations/instances_train2017.json',\n"
            "        metainfo=dict(classes=('circle', 'Square')))))\n"
        )
    return [a for a in arguments if not a.startswith('train_dataloader')]


BOXES = 'model.roi_head.bbox_head.num_classes'
MASKS = 'model.roi_head.mask_head.num_classes'
VAL = 'val_dataloader.dataset'

DETECTION = [
    Row('shapes', detection()),
    Row(
        'a category that the JSON lacks',
        detection(classes=('circle', 'Square', 'triangle')),
        ('Square', 'circle, square, triangle', 'Did you mean "square"'),
    ),
    Row(
        'categories of another data set',
        detection(classes=('person', 'car', 'dog')),
        ('person, car, dog', 'circle, square, triangle'),
    ),
    Row(
        'the eighty classes of COCO over another JSON',
        detection(
            **{f'{p}_dataloader__dataset__metainfo': None for p in PHASES}
        ),
        ('those of CocoDataset itself', 'circle, square, triangle'),
    ),
    Row(
        'classes in another order than the JSON',
        detection(classes=('triangle', 'circle', 'square')),
        ('triangle, circle, square', 'circle, square, triangle', 'order'),
    ),
    Row(
        'a part of the categories',
        detection(
            classes=('circle', 'triangle'),
            model__roi_head__bbox_head__num_classes=2,
            model__roi_head__mask_head__num_classes=2,
        ),
    ),
    Row(
        'two categories of one name',
        detection(json_names=('circle', 'square', 'square', 'triangle')),
        ('square once', 'several categories'),
    ),
    Row(
        'a category that the JSON lacks, in a wrapper',
        lambda folder: wrapped_detection(folder),
        ('train_dataloader.dataset.dataset.metainfo.classes', 'Square'),
    ),
    Row(
        'more classes than categories',
        detection(json_names=SHAPES[:2]),
        ('triangle', 'circle, square'),
    ),
    Row(
        'classes given as a text',
        detection(classes='square'),
        ("metainfo.classes='square'", "('square',)"),
    ),
    Row(
        'eighty classes left in',
        detection(
            model__roi_head__bbox_head__num_classes=80,
            model__roi_head__mask_head__num_classes=80,
        ),
        (f'{BOXES}=80', '3 classes (circle, square, triangle)', f'{BOXES}=3'),
    ),
    Row(
        'eighty classes left in one head',
        detection(model__roi_head__mask_head__num_classes=80),
        (f'{BOXES}=3', f'{MASKS}=80'),
    ),
    Row(
        'other classes to validate',
        detection(
            val_dataloader__dataset__metainfo__classes="('circle','square')"
        ),
        (f'{VAL} has the classes circle, square,', 'circle, square, triangle'),
    ),
    Row(
        'an evaluator of other images',
        detection(
            val_evaluator__ann_file='annotations/instances_val2017.json'
        ),
        (
            'val_evaluator.ann_file=',
            'instances_val2017.json',
            'instances_train2017.json',
        ),
    ),
]
DETECTION = [Row(**{**row.__dict__, 'det': True}) for row in DETECTION]

ROWS = [*FOLDERS, *NUMBERS, *LISTS, *TESTED, *DETECTION]
