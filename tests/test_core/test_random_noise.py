# Copyright (c) aemim_mm contributors. All rights reserved.
"""The control of the attack: its size, without its direction."""

import pytest
import torch
from pixels import MEAN, STD, column, images

from aemim_mm.core import FeatureDistancePGD, RandomNoise

MEAN_C, STD_C = column(MEAN).double(), column(STD).double()


def changes(attack, x, encode=None, reference=None):
    """Of pixel values, relative to the budget."""
    torch.manual_seed(0)
    x_adv = attack(encode, x, reference, MEAN_C, STD_C)
    return (x_adv - x) * STD_C / attack.epsilon


def inner(n=4, size=16):
    """Images so far from the box that it changes nothing."""
    x = images(n, size).double()
    pixels = (x * STD_C + MEAN_C).clamp(20, 235)
    return (pixels - MEAN_C) / STD_C


@pytest.mark.parametrize(
    ('steps', 'step_size'), [(2, None), (1, None), (3, 4.0), (2, 0.5)]
)
def test_the_size_is_that_of_the_attack_where_the_sign_is_kept(
    steps, step_size
):
    """An encoder whose distance always grows with the pixel."""
    x = inner()
    noise = changes(RandomNoise(4, steps, step_size), x)
    attacked = changes(
        FeatureDistancePGD(4, steps, step_size),
        x,
        lambda z: [z.flatten(1)[:, None] + 1e3],
        [x.flatten(1)[:, None]],
    )
    # Both reach the face of the ball with the same share of their values,
    # and are as large on average.
    for statistic in (
        lambda v: (v.abs() > 1 - 1e-6).double().mean(),
        lambda v: v.abs().mean(),
        lambda v: v.square().mean(),
    ):
        assert torch.isclose(statistic(noise), statistic(attacked), atol=0.03)
    assert noise.abs().max() <= 1 + 1e-9
    assert abs(noise.mean()) < 0.05 < attacked.mean()


def test_it_needs_no_encoder_and_stays_in_the_box():
    x = images(2, 16).double()
    torch.manual_seed(3)
    x_adv = RandomNoise(16)(None, x, None, MEAN_C, STD_C)
    pixels = x_adv * STD_C + MEAN_C
    assert -1e-9 <= pixels.min() and pixels.max() <= 255 + 1e-9
    assert not x_adv.requires_grad
    torch.manual_seed(4)
    other = RandomNoise(16)(None, x, None, MEAN_C, STD_C)
    assert not torch.equal(x_adv, other)


def test_its_numbers_are_checked():
    with pytest.raises(ValueError, match='epsilon'):
        RandomNoise(-1)
    with pytest.raises(TypeError, match='num_steps'):
        RandomNoise(num_steps=1.5)
    assert repr(RandomNoise()) == (
        'RandomNoise(epsilon=2, num_steps=2, step_size=1.0)'
    )
