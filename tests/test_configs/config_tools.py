# Copyright (c) aemim_mm contributors. All rights reserved.
"""What the tests of the shipped configs share."""

import copy
from pathlib import Path

import torch
from mmengine import Config
from mmpretrain.registry import MODELS

ROOT = Path(__file__).parents[2]
# Every config that can be run; a new one is covered without a change here.
SHIPPED = sorted(
    path.relative_to(ROOT / 'configs').as_posix()
    for path in (ROOT / 'configs').rglob('*.py')
    if '_base_' not in path.parts
)
PRETRAIN = [name for name in SHIPPED if name.startswith('pretrain/')]
IN1K = [name for name in SHIPPED if name.endswith('in1k.py')]
FASHION = [name for name in SHIPPED if name.endswith('fashion-mnist.py')]
IN1K_SUFFIX = '_8xb512-amp-coslr-{}e_in1k.py'


def load(name):
    return Config.fromfile(ROOT / 'configs' / name)


def distinct(names, *keys):
    """One name of those whose configs are equal under ``keys``."""
    found = {}
    for name in names:
        cfg = load(name).to_dict()
        found.setdefault(repr([cfg[key] for key in keys]), name)
    return list(found.values())


def flatten(value, prefix=''):
    """``{'a.0.b': leaf}`` of nested dicts and sequences."""
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    else:
        return {prefix: value}
    leaves = {}
    for key, child in items:
        leaves.update(
            flatten(child, f'{prefix}.{key}' if prefix else f'{key}')
        )
    return leaves


def differences(old, new):
    """``{path: (old leaf, new leaf)}``, None where one has no such leaf."""
    old, new = flatten(old), flatten(new)
    return {
        path: (old.get(path), new.get(path))
        for path in old.keys() | new.keys()
        if old.get(path) != new.get(path)
    }


def build_full_size(cfg, **overrides):
    """The config's model at its real size, without memory: on 'meta'.

    As the Runner does, the model takes the top-level ``data_preprocessor``.
    """
    model = copy.deepcopy(cfg.model)
    model.setdefault('data_preprocessor', cfg.data_preprocessor)
    model.update(overrides)
    with torch.device('meta'):
        return MODELS.build(model)


def meta_images(cfg, count=4):
    side = cfg.model.backbone.get('img_size', 224)
    channels = len(cfg.data_preprocessor['mean'])
    return torch.zeros(count, channels, side, side, device='meta')
