# Copyright (c) aemim_mm contributors. All rights reserved.
"""Small versions of the detection configs, and images for them."""

import copy
import json

import numpy as np
import torch
from mmdet.registry import MODELS as MMDET_MODELS
from mmengine.registry import DefaultScope
from PIL import Image
from test_configs.config_tools import COCO, RatesOnCPU, load

COCO_1X = [name for name in COCO if name.endswith('-1x_coco.py')]
CAE, PLAIN = (
    f'coco/mask-rcnn_vit-small-p16_{head}-fpn_8xb2-amp-1x_coco.py'
    for head in ('cae', 'plain')
)
BEIT = CAE.replace('vit-small', 'beit-small')
# The blocks stay 12, so that the taps and the decay per layer are the real
# ones.
ARCH = dict(embed_dims=16, num_layers=12, num_heads=2, feedforward_channels=32)
CLASSES = ('square', 'bar')
SIZE = (72, 104)  # height, width: no multiples of 16


def shrink(cfg, width=16):
    """The config's model with few channels, for two classes.

    Args:
        cfg (Config): A config of `configs/coco`. Changed in place.
        width (int): Channels of what follows the backbone.
    """
    model = cfg.model
    model.backbone.update(arch=dict(ARCH), img_size=64, init_cfg=None)
    pyramid, fpn = model.neck
    pyramid.in_channels = ARCH['embed_dims']
    fpn.update(in_channels=[ARCH['embed_dims']] * 4, out_channels=width)
    model.rpn_head.update(in_channels=width, feat_channels=width)
    head = model.roi_head
    for part in (head.bbox_roi_extractor, head.mask_roi_extractor):
        part.out_channels = width
    head.bbox_head.update(
        in_channels=width, fc_out_channels=32, num_classes=len(CLASSES)
    )
    if 'Conv' in head.bbox_head.type:
        head.bbox_head.conv_out_channels = width
    head.mask_head.update(
        in_channels=width,
        conv_out_channels=width,
        num_classes=len(CLASSES),
    )
    return cfg


def in_mmdet():
    """The scope that the detection configs set."""
    return DefaultScope.overwrite_default_scope('mmdet')


def build(cfg):
    """The detector of a config."""
    with in_mmdet():
        return MMDET_MODELS.build(copy.deepcopy(cfg.model))


def build_on_meta(cfg):
    """The detector at its real size, without memory."""
    with torch.device('meta'), RatesOnCPU():
        return build(cfg)


def write_coco(folder, num=4):
    """Images with one square and one bar each, in COCO's layout."""
    rng = np.random.default_rng(0)
    height, width = SIZE
    images, annotations = [], []
    for index in range(num):
        pixels = rng.integers(0, 80, (height, width, 3), dtype=np.uint8)
        boxes = (
            (rng.integers(4, 20), rng.integers(4, 20), 32, 32),
            (rng.integers(44, 52), rng.integers(4, 30), 48, 34),
        )
        for label, (x, y, w, h) in enumerate(boxes):
            x, y = int(x), int(y)
            pixels[y : y + h, x : x + w, label] = 250
            corners = [x, y, x + w, y, x + w, y + h, x, y + h]
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    image_id=index,
                    category_id=label + 1,
                    bbox=[x, y, w, h],
                    area=w * h,
                    iscrowd=0,
                    segmentation=[corners],
                )
            )
        images.append(
            dict(
                id=index,
                file_name=f'{index}.png',
                height=height,
                width=width,
            )
        )
        (folder / 'images').mkdir(exist_ok=True)
        Image.fromarray(pixels).save(folder / f'images/{index}.png')
    content = dict(
        images=images,
        annotations=annotations,
        categories=[
            dict(id=index + 1, name=name) for index, name in enumerate(CLASSES)
        ],
    )
    (folder / 'boxes.json').write_text(json.dumps(content))


def on_images(cfg, folder):
    """Let a config read what :func:`write_coco` wrote; small, no workers."""
    for phase in ('train', 'val', 'test'):
        loader = cfg[f'{phase}_dataloader']
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.update(
            data_root=str(folder),
            ann_file='boxes.json',
            data_prefix=dict(img='images/'),
            metainfo=dict(classes=CLASSES),
        )
    for phase in ('val', 'test'):
        cfg[f'{phase}_evaluator'].ann_file = str(folder / 'boxes.json')
        for step in cfg[f'{phase}_dataloader'].dataset.pipeline:
            if step.type == 'Resize':
                step.scale = (104, 72)
    _shrink_scales(cfg.train_dataloader.dataset.pipeline)
    return cfg


def _shrink_scales(steps):
    """A tenth of the size, for the resizes and crops within ``steps``."""
    for step in steps:
        if isinstance(step, list):
            _shrink_scales(step)
        elif step.type == 'RandomChoice':
            _shrink_scales(step.transforms)
        elif step.type == 'RandomChoiceResize':
            step.scales = [(a // 8, b // 8) for a, b in step.scales]
        elif step.type == 'RandomCrop':
            step.crop_size = tuple(side // 8 for side in step.crop_size)


def tiny(name, folder):
    """A detection config made small, on generated images."""
    write_coco(folder)
    return on_images(shrink(load(name)), folder)
