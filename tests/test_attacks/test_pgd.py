# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
import torch.nn.functional as F
from attack_toys import (
    foolbox,
    foolbox_model,
    small_classifier,
    small_images,
)

from aemim_mm.attacks import pgd


@pytest.mark.parametrize('epsilon', [0.002, 1 / 255, 4 / 255, 8 / 255])
def test_equals_foolbox_without_random_start(epsilon):
    LinfPGD = foolbox().attacks.LinfPGD
    model = small_classifier()
    x, y = small_images()
    attack = LinfPGD(rel_stepsize=0.25, steps=20, random_start=False)
    _, expected, _ = attack(foolbox_model(model), x, y, epsilons=[epsilon])
    x_adv = pgd(model, x, y, epsilon, random_start=False)
    torch.testing.assert_close(x_adv, expected[0], atol=1e-6, rtol=0)
    assert not torch.equal(x_adv, x)


@pytest.mark.parametrize('num_steps', [0, 1, 5, 20])
def test_ball_and_box(num_steps):
    model = small_classifier()
    x, y = small_images()
    epsilon = 8 / 255
    x_adv = pgd(model, x, y, epsilon, num_steps)
    assert (x_adv - x).abs().max() <= epsilon + 1e-7
    assert x_adv.min() == 0 and x_adv.max() == 1
    assert not torch.equal(x_adv, x)


def test_start_is_the_noise_inside_the_box():
    model = small_classifier()
    x, y = small_images()
    noise = torch.empty_like(x).uniform_(-1, 1)
    start = pgd(model, x, y, 0.1, num_steps=0, noise=noise)
    expected = (x + 0.1 * noise).clamp(0, 1)
    torch.testing.assert_close(start, expected, atol=1e-7, rtol=0)
    # Drawn here: uniform in the ball.
    x = torch.full((40, 3, 8, 8), 0.5)
    y = torch.zeros(40, dtype=torch.long)
    change = (pgd(model, x, y, 0.1, num_steps=0) - x) / 0.1
    assert change.min() < -0.99 and change.max() > 0.99
    assert abs(change.mean()) < 0.02 and abs(change.var() - 1 / 3) < 0.02


def test_steps_of_a_quarter_and_the_last_iterate():
    """One linear loss: every step goes the same way."""
    x, y = torch.full((2, 1, 2, 2), 0.5), torch.tensor([0, 1])
    weight = torch.tensor([[1.0, -1, 2, 3], [0, 0, 0, 0]])

    def model(images):
        return images.flatten(1) @ weight.T

    direction = torch.tensor([[-1.0, 1, -1, -1], [1, -1, 1, 1]]).view_as(x)
    for num_steps, share in ((1, 0.25), (3, 0.75), (4, 1), (20, 1)):
        x_adv = pgd(model, x, y, 0.04, num_steps, random_start=False)
        torch.testing.assert_close(
            x_adv, x + share * 0.04 * direction, atol=1e-6, rtol=0
        )
    x_adv = pgd(model, x, y, 0.04, 1, step_size=0.03, random_start=False)
    torch.testing.assert_close(x_adv, x + 0.03 * direction)


def test_a_budget_per_image():
    model = small_classifier()
    x, y = small_images()
    epsilon = torch.tensor([0, 0.001, 0.002, 0.01, 0.02, 0.1])
    noise = torch.empty_like(x).uniform_(-1, 1)
    x_adv = pgd(model, x, y, epsilon, noise=noise)
    assert torch.equal(x_adv[0], x[0])
    for row, budget in enumerate(epsilon.tolist()):
        one = slice(row, row + 1)
        alone = pgd(model, x[one], y[one], budget, noise=noise[one])
        torch.testing.assert_close(x_adv[one], alone, atol=1e-6, rtol=0)
        change = (x_adv[one] - x[one]).abs().max()
        assert 0.99 * budget <= change <= budget + 1e-7


def test_stronger_than_its_start():
    model = small_classifier()
    x, y = small_images()
    noise = torch.empty_like(x).uniform_(-1, 1)
    losses = [
        F.cross_entropy(model(pgd(model, x, y, 0.02, steps, noise=noise)), y)
        for steps in (0, 2, 20)
    ]
    assert losses[0] < losses[1] < losses[2]


def test_bad_arguments():
    model = small_classifier()
    x, y = small_images()
    with pytest.raises(ValueError, match='num_steps must be >= 0.*-1'):
        pgd(model, x, y, 0.01, num_steps=-1)
    with pytest.raises(ValueError, match=r'shape of the images, \(6, 3'):
        pgd(model, x, y, 0.01, noise=torch.zeros(3, 8, 8))
    with pytest.raises(ValueError, match='share of epsilon.* 0 to 8'):
        pgd(model, x, y, 0.01, noise=8 * (x > 0.5))
    with pytest.raises(ValueError, match='random_start is False'):
        pgd(model, x, y, 0.01, random_start=False, noise=0 * x)
    with pytest.raises(ValueError, match=r'step_size .*\[0, 1\].* 2'):
        pgd(model, x, y, 0.01, step_size=2)
