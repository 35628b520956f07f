# Copyright (c) aemim_mm contributors. All rights reserved.
"""What the tests of the shipped configs share."""

import ast
import copy
import functools
from pathlib import Path

import torch
from mmengine import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS
from mmpretrain.registry import MODELS, TRANSFORMS
from mmpretrain.structures import DataSample
from torch.overrides import TorchFunctionMode

ROOT = Path(__file__).parents[2]
# Every config that can be run; a new one is covered without a change here.
EVERY = sorted(
    path.relative_to(ROOT / 'configs').as_posix()
    for path in (ROOT / 'configs').rglob('*.py')
    if '_base_' not in path.parts
)
# Three lines over a stock config, whose other settings stay stock.
PLUG_IN = [name for name in EVERY if '/plug_in/' in name]
# Detection, in the scope and with the runtime of mmdet.
COCO = [name for name in EVERY if name.startswith('coco/')]
# Not for training: what docs/cost.md compares.
BENCHMARK = [name for name in EVERY if name.startswith('benchmark/')]
# On images of the user's own: of no table, with short options.
YOURS = [name for name in EVERY if '/your_images/' in name]
SHIPPED = [
    name for name in EVERY if name not in PLUG_IN + COCO + BENCHMARK + YOURS
]
PRETRAIN = [name for name in SHIPPED if name.startswith('pretrain/')]
FINETUNE = [name for name in SHIPPED if name.startswith('finetune/')]
IN1K = [name for name in SHIPPED if '_in1k' in name]
FASHION = [name for name in SHIPPED if name.endswith('fashion-mnist.py')]
ABLATIONS = [name for name in SHIPPED if '/ablations/' in name]
# Recipes of the paper's main tables and the example, over MAE.
OVER_MAE = [
    name
    for name in PRETRAIN
    if name.split('/')[1].startswith(
        ('mae_', 'aemim_', 'fast-aemim_', 'aemim-wavelet_')
    )
]
IN1K_SUFFIX = '_8xb512-amp-coslr-{}e_in1k.py'


@functools.cache
def _read(name):
    return Config.fromfile(ROOT / 'configs' / name)


def load(name):
    """A config, the caller's to change."""
    return copy.deepcopy(_read(name))


def docstring(name):
    """Of a config, by its path below ``configs``."""
    return ast.get_docstring(ast.parse((ROOT / 'configs' / name).read_text()))


def header(name):
    """The docstring on one line: its breaks are the width's."""
    return ' '.join(docstring(name).split())


def distinct(names, *keys, ignore=()):
    """One name of those whose configs are equal under ``keys``.

    Keys of the model that are in ``ignore`` do not count.
    """
    found = {}
    for name in names:
        cfg = load(name).to_dict()
        for key in ignore:
            cfg['model'].pop(key, None)
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


class RatesOnCPU(TorchFunctionMode):
    """DropPath rates are read as numbers, which 'meta' does not have."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func is torch.linspace:
            kwargs['device'] = 'cpu'
        return func(*args, **kwargs)


def build_full_size(cfg, **overrides):
    """The config's model at its real size, without memory: on 'meta'.

    As the Runner does, the model takes the top-level ``data_preprocessor``.
    """
    model = copy.deepcopy(cfg.model)
    model.setdefault('data_preprocessor', cfg.data_preprocessor)
    model.update(overrides)
    with torch.device('meta'), RatesOnCPU():
        return MODELS.build(model)


def tokenizer_on_meta(cfg):
    """Overrides for ``build_full_size``: DALL-E's encoder is on the CPU."""
    target = copy.deepcopy(cfg.model.get('target_generator', {}))
    encoder = target.get('encoder', target)
    if encoder.get('type') != 'DALL-E':
        return {}
    encoder.device = 'meta'
    return dict(target_generator=target)


def view_sizes(cfg):
    """Side of the images of every view that the pipeline makes."""
    side = cfg.model.backbone.get('img_size', 224)
    for transform in cfg.train_dataloader.dataset.pipeline:
        if transform.type.endswith('WithTwoPic'):
            return [transform.size, transform.second_size]
        if transform.type == 'MultiView':
            return [side] * sum(transform.num_views)
    return [side]


def meta_batch(cfg, count=4):
    """Images and data samples as the pipeline makes them, on 'meta'."""
    channels = len(cfg.data_preprocessor['mean'])
    views = [
        torch.zeros(count, channels, side, side, device='meta')
        for side in view_sizes(cfg)
    ]
    samples = [DataSample() for _ in range(count)]
    for transform in cfg.train_dataloader.dataset.pipeline:
        if 'MaskGenerator' in transform.type:
            mask = TRANSFORMS.build(dict(transform)).transform({})['mask']
            for sample in samples:
                sample.mask = torch.as_tensor(mask, device='meta')
    return (views[0] if len(views) == 1 else views), samples


def optimizer_groups(cfg, model, **options):
    """``{parameter name: (lr, weight decay)}`` of the real wrapper."""
    wrapper = copy.deepcopy(cfg.optim_wrapper)
    # The groups do not depend on the precision, and AMP asserts a GPU.
    wrapper.type = 'OptimWrapper'
    wrapper.pop('loss_scale', None)
    wrapper.update(options)
    optimizer = build_optim_wrapper(model, wrapper).optimizer
    names = {id(p): name for name, p in model.named_parameters()}
    found = {}
    for group in optimizer.param_groups:
        for parameter in group['params']:
            name = names[id(parameter)]
            assert name not in found, f'{name} is in two groups'
            found[name] = (group['lr'], group['weight_decay'])
    trainable = {n for n, p in model.named_parameters() if p.requires_grad}
    assert found.keys() == trainable
    return found


def check_twins(cfg, model, count, **options):
    """Each of ``count`` twins is optimised as its clean parameter.

    Returns what ``optimizer_groups`` does.
    """
    found = optimizer_groups(cfg, model, **options)
    twins = [name for name in found if name.startswith('adv.')]
    assert len(twins) == count
    for twin in twins:
        assert found[twin] == found[twin.removeprefix('adv.')], twin
    return found


def learning_rates(cfg, per_epoch):
    """The learning rate of every iteration of the run, and the one after."""
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=cfg.optim_wrapper.optimizer.lr)
    schedulers = []
    for scheduler in copy.deepcopy(cfg.param_scheduler):
        cls = PARAM_SCHEDULERS.get(f'mmpretrain.{scheduler.pop("type")}')
        scheduler.pop('_scope_', None)
        assert scheduler.pop('convert_to_iter_based')
        schedulers.append(
            cls.build_iter_from_epoch(
                optimizer, epoch_length=per_epoch, **scheduler
            )
        )
    rates = [optimizer.param_groups[0]['lr']]
    for _ in range(cfg.train_cfg.max_epochs * per_epoch):
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
        rates.append(optimizer.param_groups[0]['lr'])
    return rates
