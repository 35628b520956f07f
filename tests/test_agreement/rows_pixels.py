# Copyright (c) aemim_mm contributors. All rights reserved.
"""Pixels that are normalised in another way than the weights know."""

import json

import torch
from safetensors.torch import save_file
from test_agreement.earlier_run import ran
from test_agreement.table import Row, argv, changed, classification

HALF = dict(mean=[127.5] * 3, std=[127.5] * 3, to_rgb=True)
USUAL = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])
WEIGHTS = dict(state_dict={'backbone.cls_token': torch.zeros(1, 1, 32)})


def usual(folder, **pixels):
    """A classifier on pixels in ImageNet's usual form."""
    pixels = dict(USUAL, to_rgb=True, **pixels)
    options = {f'model.data_preprocessor.{k}': v for k, v in pixels.items()}
    return changed(classification(folder), options)


def starts_from(meta, suffix='.pth', key='load_from', **pixels):
    """Train from weights with these metadata."""

    def make(folder):
        name = f'weights{suffix}'
        if suffix == '.pth':
            torch.save({**WEIGHTS, 'meta': meta}, name)
        else:
            texts = {k: json.dumps(v) for k, v in meta.items()}
            save_file(WEIGHTS['state_dict'], name, texts)
        cfg = changed(usual(folder), pixels)
        value = dict(type='Pretrained', checkpoint=name, prefix='backbone.')
        value = name if key == 'load_from' else value
        return argv(folder, changed(cfg, {key: value}), '--work-dir', 'w')

    return make


def tests(*options):
    """Train with means of 0.5; then test with or without them."""

    def make(folder):
        cfg = usual(folder)
        own = changed(
            cfg, {f'model.data_preprocessor.{k}': v for k, v in HALF.items()}
        )
        path = ran(folder, own)
        return [*argv(folder, cfg, path), *options]

    return make


def text(**pixels):
    """The config of a run, as its checkpoints hold it."""
    return f'data_preprocessor = {pixels}'


GIVEN = (
    'mean=[127.5,127.5,127.5]',
    'config has mean=[123.675,116.28,103.53]',
    '--cfg-options model.data_preprocessor.mean=[127.5,127.5,127.5] '
    'model.data_preprocessor.std=[127.5,127.5,127.5]',
)
ROWS = [
    Row(
        'weights of other pixels',
        starts_from(dict(normalization=HALF), '.safetensors'),
        notes=('load_from: weights.safetensors was trained', *GIVEN),
    ),
    Row(
        'a part of other pixels',
        starts_from(dict(normalization=HALF), key='model.backbone.init_cfg'),
        notes=('model.backbone.init_cfg.checkpoint: weights.pth', *GIVEN),
    ),
    Row(
        'a run on other pixels',
        starts_from(dict(cfg=text(**HALF))),
        notes=('load_from: weights.pth was trained', *GIVEN),
    ),
    Row(
        'another order of channels, which may be that of the loader',
        starts_from(dict(normalization=dict(USUAL, to_rgb=False))),
    ),
    Row(
        'one number for all channels, which mmpretrain names',
        starts_from(dict(normalization=dict(HALF, mean=127.5))),
    ),
    Row(
        'constants that are rounded',
        starts_from(dict(cfg=text(mean=[124, 116, 104], to_rgb=True))),
    ),
    Row(
        'at the top of the config',
        starts_from(
            dict(normalization=HALF),
            **{
                'model.data_preprocessor': None,
                'data_preprocessor': dict(USUAL, num_classes=3, to_rgb=True),
            },
        ),
        notes=('--cfg-options data_preprocessor.mean=[127.5,127.5,127.5]',),
    ),
    Row('weights that do not say', starts_from(dict(epoch=1))),
    Row(
        'a test on other pixels',
        tests(),
        says=('checkpoint: w/epoch_1.pth was trained', *GIVEN),
        tool='test',
    ),
    Row(
        'a test on pixels as trained',
        tests(
            '--cfg-options',
            *(
                f'model.data_preprocessor.{k}=[127.5,127.5,127.5]'
                for k in ('mean', 'std')
            ),
        ),
        tool='test',
    ),
]
