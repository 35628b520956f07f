# Copyright (c) aemim_mm contributors. All rights reserved.
import random

import numpy as np
import pytest
import torch
from states import assert_equal_states
from torch import nn

from aemim_mm.visualization import isolated


def _draw():
    return random.random(), np.random.rand(), torch.rand(1).item()


def _model():
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Dropout())
    model.train()
    model[1].eval()  # a frozen layer, as frozen_stages makes them
    return model


def test_streams_go_on_as_if_nothing_had_happened():
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    expected = [_draw(), _draw()]

    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    drawn = [_draw()]
    with isolated(_model_without_draws(), seed=7):
        inside = _draw()
    drawn.append(_draw())

    assert drawn == expected
    assert inside not in expected
    with isolated(_model_without_draws(), seed=7):
        assert _draw() == inside
    with isolated(_model_without_draws(), seed=8):
        assert _draw() != inside


def _model_without_draws():
    return nn.Identity()


def test_modes_are_restored_module_by_module():
    model = _model()
    with isolated(model, seed=0):
        assert not any(module.training for module in model.modules())
    assert [m.training for m in model.modules()] == [True, True, False, True]


def test_backbone_whose_train_returns_none():
    class Backbone(nn.Linear):
        def train(self, mode=True):
            super().train(mode)

    model = nn.Sequential(Backbone(2, 2))
    with isolated(model, seed=0):
        assert not model[0].training
    assert model[0].training


def test_buffers_are_restored_even_if_the_block_fails():
    model = _model()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    state = torch.get_rng_state()
    with pytest.raises(RuntimeError, match='stop'):
        with isolated(model, seed=0):
            model.train()
            model(torch.randn(8, 3, 2, 2))
            assert model[1].num_batches_tracked == 1
            raise RuntimeError('stop')
    assert_equal_states(model, before)
    assert torch.equal(torch.get_rng_state(), state)
    assert [m.training for m in model.modules()] == [True, True, False, True]
