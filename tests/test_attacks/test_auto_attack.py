# Copyright (c) aemim_mm contributors. All rights reserved.
import sys

import pytest
import torch
from auto_attack_toys import (
    classifier,
    direct,
    pyautoattack,
    shortened,
    task_of_ten_classes,
)

from aemim_mm.attacks import AutoAttack

INDICES = torch.arange(12)


@pytest.fixture
def task():
    return task_of_ten_classes()


def test_it_is_the_package(task, monkeypatch):
    shortened(monkeypatch)
    model, x, y = task
    epsilon = 2 / 255
    x_adv = AutoAttack(seed=3)(model, x, y, epsilon, INDICES)
    assert torch.equal(x_adv, direct(model, x, y, epsilon, seed=3))
    # Some fall and some stay, so that all four attacks have run.
    assert 0 < (model(x_adv).argmax(1) == y).sum() < 12
    changed = (x_adv != x).flatten(1).any(1)
    assert torch.equal(changed, model(x_adv).argmax(1) != y)
    assert (x_adv - x).abs().max() <= epsilon + 1e-6
    other = AutoAttack(seed=4)(model, x, y, epsilon, INDICES)
    assert not torch.equal(other, x_adv)


def test_the_generator_is_left_as_it_was(task, monkeypatch):
    shortened(monkeypatch)
    model, x, y = task
    state = torch.get_rng_state()
    AutoAttack()(model, x, y, 8 / 255, INDICES)
    assert torch.equal(torch.get_rng_state(), state)


def test_budget_of_one_image(task, monkeypatch):
    shortened(monkeypatch)
    model, x, y = task
    one = x[:1], y[:1]
    x_adv = AutoAttack()(model, *one, torch.tensor([0.03]), INDICES[:1])
    assert torch.equal(x_adv, AutoAttack()(model, *one, 0.03, INDICES[:1]))
    with pytest.raises(ValueError, match='one budget for a batch, but got 12'):
        AutoAttack()(model, x, y, torch.full((12,), 0.03), INDICES)


def test_few_classes(task):
    pyautoattack()
    _, x, y = task
    with pytest.raises(ValueError, match='aims at 9 other .* has 9 in all'):
        AutoAttack()(classifier(9), x, y % 9, 0.01, INDICES)


def test_without_the_package(task, monkeypatch):
    monkeypatch.setitem(sys.modules, 'pyautoattack', None)
    with pytest.raises(ImportError, match='pip install pyautoattack'):
        AutoAttack()(*task, 0.01, INDICES)
