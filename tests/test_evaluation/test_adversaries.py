# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from attack_toys import linear, linear_task, small_classifier, small_images
from torch import nn

from aemim_mm.attacks import PGDAttack, fgsm, pgd
from aemim_mm.evaluation import (
    PixelBatch,
    minimal_epsilons,
    robust_accuracy,
)
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


class Preprocessed(nn.Module):
    """As mmpretrain's: called on what its preprocessor returns."""

    def __init__(self):
        super().__init__()
        self.data_preprocessor = nn.Identity()
        self.net = small_classifier()

    def forward(self, x):
        return self.net(x)


def half_trained():
    model = small_classifier()
    model[1][1].train()
    return model


NOT_JUDGED = {
    'not wrapped': (Preprocessed, 'PixelClassifier.from_mmpretrain'),
    'not wrapped, for several GPUs': (
        lambda: nn.DataParallel(Preprocessed()),
        'PixelClassifier.from_mmpretrain',
    ),
    'in train mode': (lambda: small_classifier().train(), r'model\.eval'),
    'a part in train mode': (half_trained, r'1\.1 is in train mode'),
    'probabilities': (
        lambda: nn.Sequential(small_classifier(), nn.Softmax(1)).eval(),
        'probabilities',
    ),
}


@pytest.mark.parametrize('entry', [robust_accuracy, minimal_epsilons])
@pytest.mark.parametrize('name', NOT_JUDGED)
def test_a_classifier_that_cannot_be_judged(entry, name):
    make, says = NOT_JUDGED[name]
    x, y = small_images()
    batch = PixelBatch(x, y, torch.arange(len(x)))
    budgets = [[0.0]] if entry is robust_accuracy else []
    with pytest.raises(ValueError, match=says):
        entry(make(), [batch], PGDAttack(), *budgets)


@pytest.mark.parametrize('change', [2.0, -0.1, float('nan')])
def test_images_in_other_units(change):
    x, y = small_images()
    x[0, 0, 0, 0] = change
    batch = PixelBatch(x, y, torch.arange(len(x)))
    with pytest.raises(ValueError, match=r'must be in \[0, 1\]'):
        robust_accuracy(small_classifier(), [batch], PGDAttack(), [0.0])


@pytest.mark.parametrize('attack', [fgsm, pgd])
def test_attacks_refuse_a_model_that_is_not_wrapped(attack):
    x, y = small_images()
    with pytest.raises(ValueError, match='from_mmpretrain'):
        attack(Preprocessed(), x, y, 2 / 255)


def test_logarithms_of_probabilities_are_logits():
    x, y = small_images()
    model = nn.Sequential(small_classifier(), nn.LogSoftmax(1)).eval()
    assert is_correct(model, x, y).all()
