# Copyright (c) aemim_mm contributors. All rights reserved.
"""Categories, classes and heads of detection."""

import json
from functools import cache
from pathlib import Path

import tiny_run
from mmengine.config import Config
from PIL import Image
from test_agreement.table import Row

SHAPES = ('circle', 'square', 'triangle')


def coco_names():
    """The eighty classes; mmdet is needed to run a row, not to list it."""
    from mmdet.datasets import CocoDataset

    return CocoDataset.METAINFO['classes']


RECIPE = (
    f'{tiny_run.ROOT}/configs/coco/'
    'mask-rcnn_vit-tiny-p16_plain-fpn_1xb2-100e_mini-coco.py'
)
VARIABLES = (
    *('dataset_type', 'data_root', 'train_pipeline', 'test_pipeline'),
    *('scales', 'pretrained', 'base_lr', 'batch', 'classes'),
)


@cache
def flat_recipe():
    """The recipe for shapes as one file without variables."""
    cfg = Config.fromfile(RECIPE).to_dict()
    for name in VARIABLES:
        del cfg[name]
    return tiny_run.text_of(cfg)


def detection(
    json_names=SHAPES,
    classes=SHAPES,
    val_names=None,
    inherits=False,
    **changes,
):
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
        )
        for name in ('train', 'val'):
            names = (name == 'val' and val_names) or json_names
            names = names() if callable(names) else names
            content['categories'] = [
                dict(id=place, name=name)
                for place, name in enumerate(names, 1)
            ]
            Image.new('RGB', (64, 64)).save(folder / f'{name}2017/1.png')
            path = folder / f'annotations/instances_{name}2017.json'
            path.write_text(json.dumps(content))
        path = folder / 'tiny.py'
        text = f'_base_ = {RECIPE!r}\n' if inherits else flat_recipe()
        path.write_text(text)
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
            "train_dataloader['dataset'] = dict(type='RepeatDataset', "
            "times=2, dataset=dict(type='CocoDataset', pipeline=[],\n"
            "    ann_file='annotations/instances_train2017.json',\n"
            "    metainfo=dict(classes=('circle', 'Square'))))\n"
        )
    return [a for a in arguments if not a.startswith('train_dataloader')]


def emptied(arguments):
    """The same with an empty file to train on."""
    path = Path(arguments[0]).parent
    (path / 'annotations/instances_train2017.json').write_text('')
    return arguments


IN_COCO = {f'{p}_dataloader__dataset__metainfo': None for p in PHASES}
BOXES = 'model.roi_head.bbox_head.num_classes'
MASKS = 'model.roi_head.mask_head.num_classes'
VAL = 'val_dataloader.dataset'

DETECTION = [
    Row('shapes', detection(inherits=True)),
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
        detection(**IN_COCO),
        ('those of CocoDataset itself', 'circle, square, triangle'),
    ),
    Row(
        'classes in another order than the JSON',
        detection(classes=('triangle', 'circle', 'square')),
        ('triangle, circle, square', 'circle, square, triangle', 'order'),
    ),
    Row(
        'the eighty classes of COCO in another order to validate',
        detection(
            json_names=coco_names,
            val_names=lambda: sorted(coco_names()),
            model__roi_head__bbox_head__num_classes=80,
            model__roi_head__mask_head__num_classes=80,
            val_evaluator__ann_file='annotations/instances_val2017.json',
            val_dataloader__dataset__ann_file=(
                'annotations/instances_val2017.json'
            ),
            **IN_COCO,
        ),
        ('airplane, apple', 'person, bicycle', 'Give both files one order'),
    ),
    Row(
        'the eighty classes of COCO',
        detection(
            json_names=coco_names,
            model__roi_head__bbox_head__num_classes=80,
            model__roi_head__mask_head__num_classes=80,
            **IN_COCO,
        ),
    ),
    Row(
        'an empty file',
        lambda folder: emptied(detection()(folder)),
        ('instances_train2017.json is empty', 'COCO'),
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

ROWS = DETECTION
