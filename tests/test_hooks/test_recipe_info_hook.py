# Copyright (c) aemim_mm contributors. All rights reserved.
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest
import torch
from mmengine.optim import AmpOptimWrapper, LinearLR, OptimWrapper
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop
from torch import nn

from aemim_mm.core import FeatureDistancePGD, RandomNoise, WaveletPGD
from aemim_mm.hooks.recipe_info_hook import (
    RecipeInfoHook,
    precision,
)


def optim_wrapper(*rates):
    groups = [dict(params=[nn.Parameter(torch.ones(1))], lr=r) for r in rates]
    return OptimWrapper(torch.optim.SGD(groups, lr=1.0))


def run(
    rates=(0.1,), counts=1, scale=None, model=None, loop=EpochBasedTrainLoop
):
    runner = SimpleNamespace(
        train_dataloader=SimpleNamespace(batch_size=4),
        train_loop=loop.__new__(loop),
        world_size=2,
        max_epochs=3,
        max_iters=30,
        cfg=dict(optim_wrapper=dict(accumulative_counts=counts)),
        auto_scale_lr=scale,
        optim_wrapper=optim_wrapper(*rates),
        model=model or nn.Identity(),
        logger=MagicMock(),
    )
    # A warm-up lowers the rate before the first iteration.
    LinearLR(runner.optim_wrapper, start_factor=0.001)
    RecipeInfoHook().before_train(runner)
    (text,) = runner.logger.info.call_args.args
    warnings = [c.args[0] for c in runner.logger.warning.call_args_list]
    return text, warnings


def test_block():
    text, warnings = run(counts=3)
    assert text.splitlines() == [
        'Recipe:',
        '  effective batch size: 24 = 4 per process x 2 processes x 3 '
        'accumulated steps',
        '  learning rate: 0.1 (not scaled)',
        '  schedule: 3 epochs, 30 iterations',
        '  precision: float32 (OptimWrapper)',
    ]
    assert warnings == []


def test_layer_decay_and_iterations():
    text, _ = run(
        rates=(0.1, 0.05, 0.1, 0.0125),
        scale=dict(enable=True, base_batch_size=8),
        loop=IterBasedTrainLoop,
    )
    assert (
        'learning rate: 0.0125 to 0.1 (scaled to the batch size, '
        '3 distinct values)'
    ) in text
    assert 'schedule: 30 iterations' in text


def test_perturbation_budget():
    model = nn.Identity()
    model.attack = FeatureDistancePGD(epsilon=3, num_steps=2)
    model.adv_ratio, model.loss_ratio = 0.25, 0.5
    model.adapters = ('norm', 'cls_token')
    lines = run(model=model)[0].splitlines()[-2:]
    assert lines == [
        '  attack: l2, epsilon 3, step size 1.5, 2 steps (L-inf, in pixel '
        'values of 0-255)',
        '  adversarial share of the batch: 0.25; weight of the clean loss: '
        '0.5; adapters: norm, cls_token',
    ]
    model.attack = FeatureDistancePGD(num_steps=1)
    assert 'step size 2, 1 step (L-inf' in run(model=model)[0]
    model.adapters, model.attack = (), print
    text = run(model=model)[0]
    assert text.endswith('adapters: none')
    assert 'attack: <built-in function print>' in text


def test_batch_that_differs_from_the_recipes():
    _, (warning,) = run(scale=dict(base_batch_size=4096))
    assert 'batch size is 8' in warning and '4096' in warning
    assert '--auto-scale-lr' in warning
    assert 'train_dataloader.batch_size' in warning
    assert run(scale=dict(base_batch_size=8))[1] == []
    assert run(counts=2, scale=dict(base_batch_size=16))[1] == []
    scaled = dict(enable=True, base_batch_size=4096)
    assert run(scale=scaled)[1] == []


def test_scaling_leaves_accumulation_out():
    scaled = dict(enable=True, base_batch_size=16)
    _, (warning,) = run(counts=2, scale=scaled)
    assert 'batch of 8' in warning and 'batch size is 16' in warning


@pytest.mark.parametrize(
    'dtype, name', [(None, 'float16'), (torch.bfloat16, 'bfloat16')]
)
def test_mixed_precision(dtype, name):
    # Its constructor refuses to run without an accelerator.
    wrapper = AmpOptimWrapper.__new__(AmpOptimWrapper)
    wrapper.cast_dtype = dtype
    text = precision(SimpleNamespace(optim_wrapper=wrapper))
    assert text == f'{name} (automatic mixed precision)'


def test_on_manifold_examples_are_described():
    pytest.importorskip('pywt')
    model = nn.Identity()
    model.attack = WaveletPGD(budget=0.5, num_steps=1)
    model.adapters, model.adv_ratio, model.loss_ratio = ('norm',), 1.0, 0.5
    text, _ = run(model=model)
    assert (
        'attack: l2, detail of bior4.4, coefficients times 1 +- 0.5, '
        'step size 0.5, 1 step\n'
    ) in text


def test_noise_is_not_called_an_attack_on_features():
    model = nn.Identity()
    model.attack = RandomNoise(epsilon=4)
    model.adapters, model.adv_ratio, model.loss_ratio = ('norm',), 1.0, 0.5
    text, _ = run(model=model)
    assert 'attack: random noise, epsilon 4, step size 2, 2 steps' in text
