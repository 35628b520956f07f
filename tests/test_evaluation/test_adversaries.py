# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from attack_toys import linear, linear_task

from aemim_mm.evaluation.adversaries import is_correct, withstands

INDICES = torch.arange(2)


def judge(change, epsilon=0.1):
    """An attack that adds a constant."""
    x, y = linear_task([0.05, 0.2])

    def attack(model, images, labels, budget, indices):
        return images + change

    return withstands(linear, attack, x, y, epsilon, INDICES)


def test_the_attack_gets_what_it_is_called_with():
    x, y = linear_task([0.05, 0.2])
    seen = []

    def attack(*arguments):
        seen.append(arguments)
        assert torch.is_grad_enabled()
        return x

    with torch.no_grad():
        result = withstands(linear, attack, x, y, 0.1, INDICES)
    assert result.tolist() == [True, True]
    assert seen == [(linear, x, y, 0.1, INDICES)]


def test_judges_what_the_attack_returns():
    x, y = linear_task([0.05, 0.2])

    def attack(model, images, labels, budget, indices):
        sign = torch.tensor([1.0, -2, 0.5, 0.5]).sign().view(1, 1, 2, 2)
        return images - budget * sign * (2 * labels - 1).view(-1, 1, 1, 1)

    assert is_correct(linear, x, y).tolist() == [True, True]
    result = withstands(linear, attack, x, y, 0.1, INDICES)
    assert result.tolist() == [False, True]
    assert not withstands(linear, attack, x, y, 0.21, INDICES).any()


def test_beyond_the_budget():
    assert judge(0.1 + 1e-7).tolist() == [True, True]
    with pytest.raises(ValueError, match='changed a pixel by 0.2, more than'):
        judge(0.2)
    with pytest.raises(ValueError, match='changed a pixel by nan'):
        judge(float('nan'))
    # One image alone breaks its own budget.
    with pytest.raises(ValueError, match='0-1 scale'):
        judge(0.1, epsilon=torch.tensor([0.2, 0.05]))


def test_outside_the_box():
    with pytest.raises(ValueError, match=r'left the pixel box \[0, 1\]'):
        judge(0.6, epsilon=0.7)


def test_another_shape():
    x, y = linear_task([0.05, 0.2])
    with pytest.raises(ValueError, match=r'shape \(1, 1, 2, 2\) for \(2, 1'):
        withstands(linear, lambda *_: x[:1], x, y, 0.1, INDICES)


def test_logits_that_are_no_numbers():
    x, y = linear_task([0.05, 0.2])
    with pytest.raises(ValueError, match='no numbers'):
        is_correct(lambda x: linear(x) * float('nan'), x, y)
