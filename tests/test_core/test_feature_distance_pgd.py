# Copyright (c) aemim_mm contributors. All rights reserved.
"""The attack as plain torch: any encoder, no Runner, no registry."""

import warnings

import pytest
import torch
from pixels import MEAN, STD, column, images, to_pixels
from torch import nn

from aemim_mm.core import FeatureDistancePGD

MEAN_C, STD_C = column(MEAN), column(STD)


@pytest.fixture
def encoder():
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(3, 8, 4, stride=4),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(512, 16),
    )


def features(encoder, x):
    return [encoder(x)[:, None]]


@pytest.mark.parametrize('distance', ['l2', 'kl'])
@pytest.mark.parametrize('num_steps', [1, 2, 3])
def test_pushes_features_away_within_the_budget(encoder, distance, num_steps):
    x = images(4)
    attack = FeatureDistancePGD(3, num_steps, distance=distance)
    with torch.no_grad():
        reference = features(encoder, x)
    x_adv = attack(lambda z: features(encoder, z), x, reference, MEAN_C, STD_C)
    change = (to_pixels(x_adv) - to_pixels(x)).abs()
    assert change.max() <= 3 + 1e-3
    torch.manual_seed(7)
    noise = x + 3 / STD_C * torch.randn_like(x).sign()
    with torch.no_grad():
        after = attack.measure(features(encoder, x_adv), reference)
        random = attack.measure(features(encoder, noise), reference)
    assert (after > 2 * random).all()
    assert all(p.grad is None for p in encoder.parameters())


def test_more_steps_of_the_same_size_push_further(encoder):
    x = images(4)
    with torch.no_grad():
        reference = features(encoder, x)
    distances = []
    for steps in (1, 2, 4):
        torch.manual_seed(0)
        attack = FeatureDistancePGD(8, steps, step_size=1)
        x_adv = attack(
            lambda z: features(encoder, z), x, reference, MEAN_C, STD_C
        )
        distances.append(
            attack.measure(features(encoder, x_adv), reference).sum().item()
        )
    assert distances == sorted(distances)


@pytest.mark.parametrize(
    'epsilon, num_steps, factor, mean, on_the_face',
    [
        # the default, epsilon / T
        (2, 1, None, 0.75, 0.5),
        (2, 2, None, 0.75, 0.5),
        (4, 3, None, 0.75, 0.5),
        (2, 1, 2, 1, 1),
        (2, 2, 2, 1, 1),
        # between the two, by the integral over the start
        (2, 2, 1.5, 0.9375, 0.75),
    ],
)
def test_reach_of_the_steps_from_a_random_start(
    epsilon, num_steps, factor, mean, on_the_face
):
    """Under a gradient that keeps its sign, far from black and white."""
    step = factor and factor * epsilon / num_steps
    attack = FeatureDistancePGD(
        epsilon, num_steps, step, distance='reconstruction'
    )
    torch.manual_seed(0)
    weights = torch.randn(1, 3, 64, 64)
    x = ((127.0 - MEAN_C) / STD_C).expand(16, 3, 64, 64)
    x_adv = attack(
        lambda z: [z], x, [x], MEAN_C, STD_C, lambda f: (f[0] * weights).sum()
    )
    reached = (to_pixels(x_adv) - to_pixels(x)).abs() / epsilon
    assert reached.mean().item() == pytest.approx(mean, abs=0.005)
    share = (reached > 1 - 1e-4).float().mean().item()
    assert share == pytest.approx(on_the_face, abs=0.01)


@pytest.mark.parametrize('num_steps', [1, 2, 20])
def test_steps_that_reach_the_whole_ball_push_further(encoder, num_steps):
    x = images(4)
    with torch.no_grad():
        reference = features(encoder, x)
    distances = []
    for factor in (1, 2):
        torch.manual_seed(0)
        attack = FeatureDistancePGD(2, num_steps, factor * 2 / num_steps)
        x_adv = attack(
            lambda z: features(encoder, z), x, reference, MEAN_C, STD_C
        )
        distances.append(attack.measure(features(encoder, x_adv), reference))
    assert (distances[1] > 1.2 * distances[0]).all()


def test_ends_of_the_ranges():
    attack = FeatureDistancePGD(255, step_size=255)
    assert (attack.epsilon, attack.step_size) == (255, 255)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        FeatureDistancePGD(epsilon=0)
        FeatureDistancePGD(epsilon=1)


def test_a_budget_on_another_scale_is_named():
    with pytest.warns(UserWarning) as seen:
        FeatureDistancePGD(epsilon=0.5)
    assert str(seen[0].message) == (
        'epsilon=0.5 is less than one of 255 pixel values. If you meant 0.5 '
        'on the [0, 1] scale, write epsilon=127.5'
    )


def test_its_warning_is_of_the_line_that_made_the_attack():
    with pytest.warns(UserWarning) as seen:
        FeatureDistancePGD(epsilon=0.5)
    assert seen[0].filename == __file__


def test_default_step():
    assert FeatureDistancePGD(2, 2).step_size == 1
    assert FeatureDistancePGD(2, 1).step_size == 2
    assert FeatureDistancePGD(4, 3, step_size=1.5).step_size == 1.5
    assert repr(FeatureDistancePGD()) == (
        'FeatureDistancePGD(epsilon=2, num_steps=2, step_size=1.0, '
        "distance='l2', random_start=True)"
    )


def test_one_step_is_fgsm_with_random_start(encoder):
    """x_a from its formula."""
    x = images(2)
    with torch.no_grad():
        reference = features(encoder, x)
    torch.manual_seed(3)
    x_adv = FeatureDistancePGD(2, 1)(
        lambda z: features(encoder, z), x, reference, MEAN_C, STD_C
    )
    torch.manual_seed(3)
    noise = (2 * torch.rand_like(x) - 1) * 2
    start = (to_pixels(x) + noise).clamp(0, 255)
    z = ((start - MEAN_C) / STD_C).requires_grad_()
    (features(encoder, z)[0] - reference[0]).square().sum().backward()
    expected = start + 2 * z.grad.sign()
    expected = torch.minimum(expected, to_pixels(x) + 2)
    expected = torch.maximum(expected, to_pixels(x) - 2).clamp(0, 255)
    torch.testing.assert_close(to_pixels(x_adv), expected, atol=1e-3, rtol=0)


def test_zero_budget_returns_the_image(encoder):
    x = images(2)
    reference = [torch.zeros(2, 1, 16)]
    x_adv = FeatureDistancePGD(0)(
        lambda z: features(encoder, z), x, reference, MEAN_C, STD_C
    )
    assert torch.equal(x_adv, x)


def test_reconstruction_uses_the_given_loss(encoder):
    x = images(2)
    attack = FeatureDistancePGD(2, 1, distance='reconstruction')
    # Ascending -sum(pixels) darkens every pixel.
    x_adv = attack(lambda z: [z], x, [x], MEAN_C, STD_C, lambda f: -f[0].sum())
    assert (to_pixels(x_adv) <= to_pixels(x) + 1e-3).all()


def test_without_random_start_at_the_reference_nothing_moves(encoder):
    with pytest.warns(UserWarning, match='does not move'):
        attack = FeatureDistancePGD(2, 2, random_start=False)
    x = images(2)
    with torch.no_grad():
        reference = features(encoder, x)
    x_adv = attack(lambda z: features(encoder, z), x, reference, MEAN_C, STD_C)
    assert torch.equal(x_adv, x)


@pytest.mark.parametrize(
    'options, error, match',
    [
        (dict(epsilon=-1), ValueError, r'^epsilon is .* in \[0, 255\], .*-1'),
        (dict(epsilon=255.5), ValueError, '255.5'),
        (dict(epsilon='2'), TypeError, "^epsilon must be a number, .*'2'"),
        (dict(epsilon=True), TypeError, 'True'),
        (dict(num_steps=0), ValueError, 'num_steps must be >= 1.*0'),
        (dict(num_steps=1.5), TypeError, r'1\.5'),
        (dict(step_size=0), ValueError, r'^step_size is .* in \(0, 255\] or'),
        (dict(step_size=255.5), ValueError, '255.5'),
        (dict(step_size='1'), TypeError, '^step_size must be a number'),
        (dict(distance='l1'), ValueError, "'l1'.*'l2', 'kl'"),
        (dict(random_start=1), TypeError, 'True or False'),
    ],
)
def test_bad_arguments(options, error, match):
    with pytest.raises(error, match=match):
        FeatureDistancePGD(**options)
