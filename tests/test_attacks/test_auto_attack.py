# Copyright (c) aemim_mm contributors. All rights reserved.
import sys

import pytest
import torch
from attack_toys import IMAGENET, batches_of, small_net
from auto_attack_toys import pyautoattack, shortened
from torch import nn
from torchvision.transforms import Normalize

from aemim_mm.attacks import AutoAttack, PGDAttack

INDICES = torch.arange(12)


def classifier(num_classes=10):
    net = small_net(num_classes).requires_grad_(False)
    return nn.Sequential(Normalize(**IMAGENET), net).eval()


@pytest.fixture
def task():
    """A classifier of 10 classes, images, and what it says of them."""
    generator = torch.Generator().manual_seed(7)
    x = torch.rand(12, 3, 8, 8, generator=generator)
    model = classifier()
    return model, x, model(x).argmax(dim=1)


def direct(model, x, y, epsilon, seed=0):
    """The package alone."""
    adversary = pyautoattack().AutoAttack(
        model, norm='Linf', eps=epsilon, seed=seed, version='standard'
    )
    return adversary.run_standard_evaluation(x, y, batch_size=len(x))[0]


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


@pytest.mark.slow
def test_the_standard_version_and_pgd(task):
    """In full: equal to the package, and at least as strong as PGD-20."""
    evaluation = pytest.importorskip('aemim_mm.evaluation')
    from aemim_mm.robustness.intervals import wilson

    model, x, y = task
    # One image is wrong without an attack.
    y = y.clone()
    y[5] = (y[5] + 1) % 10
    for epsilon in (1 / 255, 2 / 255):
        top1 = {
            attack: evaluation.robust_accuracy(
                model, batches_of(x, y, 12), attack, [epsilon], True
            )
            for attack in (AutoAttack(), PGDAttack())
        }
        auto, pgd = (found.top1()[0] for found in top1.values())
        assert auto <= wilson(pgd, 12)[1]
        assert 0 < auto < 100
        x_adv = direct(model, x, y, epsilon)
        expected = model(x_adv).argmax(1) == y
        assert torch.equal(top1[AutoAttack()].correct[:, 0], expected)
