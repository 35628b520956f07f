# Copyright (c) aemim_mm contributors. All rights reserved.
"""Optimizer groups and schedules that mmengine builds from the recipes."""

import copy
import math
from itertools import pairwise

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS
from test_configs.config_tools import (
    PRETRAIN,
    SHIPPED,
    build_full_size,
    distinct,
    load,
)

# The groups depend on the model and the optimizer alone.
DISTINCT = distinct(PRETRAIN, 'model', 'optim_wrapper')
AEMIM = [name for name in DISTINCT if 'aemim' in name]
NO_DECAY = ('ln', 'bias', 'pos_embed', 'mask_token', 'cls_token')


def groups(cfg, model, **options):
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


@pytest.mark.parametrize('adapters', [('norm',), ('norm', 'cls_token')])
@pytest.mark.parametrize('name', AEMIM)
def test_a_twin_is_optimised_as_its_clean_parameter(name, adapters):
    cfg = load(name)
    model = build_full_size(cfg, adapters=adapters)
    found = groups(cfg, model)
    twins = [key for key in found if key.startswith('adv.')]
    # Two norms per layer and a final one, in encoder and decoder, weight and
    # bias each, and the class token.
    layers = len(model.backbone.layers) + len(model.neck.decoder_blocks)
    expected = 2 * (2 * layers + 2) + ('cls_token' in adapters)
    assert len(twins) == expected
    for twin in twins:
        assert found[twin] == found[twin.removeprefix('adv.')]
        assert found[twin][1] == 0


@pytest.mark.parametrize('name', AEMIM)
def test_the_same_under_layer_decay(name):
    cfg = load(name)
    model = build_full_size(cfg)
    paramwise = dict(
        layer_decay_rate=0.5, custom_keys={'.ln': dict(decay_mult=0.0)}
    )
    found = groups(
        cfg,
        model,
        constructor='LearningRateDecayOptimWrapperConstructor',
        paramwise_cfg=paramwise,
    )
    twins = [key for key in found if key.startswith('adv.')]
    assert twins
    for twin in twins:
        assert found[twin] == found[twin.removeprefix('adv.')]
    # Layer i of n lies n - i layers below the head.
    lr = cfg.optim_wrapper.optimizer.lr
    depth = len(model.backbone.layers)
    first = found['adv.backbone.layers.0.ln1.weight']
    assert first == (pytest.approx(lr * 0.5**depth), 0)


@pytest.mark.parametrize('name', DISTINCT)
def test_weight_decay_spares_norms_biases_and_tokens(name):
    cfg = load(name)
    for key, (_, decay) in groups(cfg, build_full_size(cfg)).items():
        spared = any(part in key for part in NO_DECAY)
        assert decay == (0 if spared else 0.05), key


def test_fine_tuning_decays_the_learning_rate_by_depth():
    cfg = load('finetune/vit-tiny-p4_1xb256-coslr-4e_fashion-mnist.py')
    found = groups(cfg, build_full_size(cfg))
    lr = cfg.optim_wrapper.optimizer.lr
    assert found['head.fc.weight'] == (lr, 0.05)
    assert found['backbone.ln2.weight'] == (lr, 0)
    rates = [found[f'backbone.layers.{i}.ffn.layers.1.weight'] for i in (3, 0)]
    assert rates == [(lr * 0.9, 0.05), (pytest.approx(lr * 0.9**4), 0.05)]
    assert found['backbone.cls_token'] == (pytest.approx(lr * 0.9**5), 0)


@pytest.mark.parametrize('name', SHIPPED)
def test_learning_rate_rises_then_falls_to_zero(name):
    cfg = load(name)
    per_epoch = 4
    epochs = cfg.train_cfg.max_epochs
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    schedulers = []
    for scheduler in copy.deepcopy(cfg.param_scheduler):
        cls = PARAM_SCHEDULERS.get(scheduler.pop('type'))
        assert scheduler.pop('convert_to_iter_based')
        schedulers.append(
            cls.build_iter_from_epoch(
                optimizer, epoch_length=per_epoch, **scheduler
            )
        )
    rates = []
    for _ in range(epochs * per_epoch):
        rates.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    top = rates.index(max(rates))
    assert rates[0] <= 1e-4
    assert max(rates) == pytest.approx(1)
    warm_up = cfg.param_scheduler[0].end * per_epoch
    assert warm_up - 1 <= top <= warm_up
    assert all(a < b for a, b in pairwise(rates[: top + 1]))
    assert all(a >= b for a, b in pairwise(rates[top:]))
    # mmengine's cosine ends one of its n steps short of zero.
    n = epochs * per_epoch - warm_up
    last = (1 + math.cos(math.pi * (n - 1) / n)) / 2
    assert optimizer.param_groups[0]['lr'] == pytest.approx(last)
