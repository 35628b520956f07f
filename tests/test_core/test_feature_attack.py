# Copyright (c) aemim_mm contributors. All rights reserved.
"""What all attacks on features have in common."""

import warnings

import pytest
import torch

from aemim_mm.core import FeatureDistancePGD
from aemim_mm.core.distances import kl_divergence, squared_l2


@pytest.mark.parametrize(
    'distance, measure',
    [
        ('l2', squared_l2),
        ('kl', kl_divergence),
        ('reconstruction', squared_l2),
    ],
)
def test_its_measure(distance, measure):
    features, reference = [torch.rand(2, 3, 4)], [torch.rand(2, 3, 4)]
    attack = FeatureDistancePGD(distance=distance)
    expected = measure(features, reference)
    assert torch.equal(attack.measure(features, reference), expected)


def test_a_distance_that_does_not_move_from_the_image_is_named():
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        FeatureDistancePGD(distance='kl')
        FeatureDistancePGD(distance='reconstruction', random_start=False)
    with pytest.warns(UserWarning) as seen:
        FeatureDistancePGD(distance='kl', random_start=False)
    (warning,) = seen
    assert str(warning.message) == (
        "random_start=False with distance='kl': at fresh adapters the "
        'gradient at x itself is 0, and the attack does not move'
    )


def test_the_warning_is_of_the_line_that_made_the_attack():
    with pytest.warns(UserWarning) as seen:
        FeatureDistancePGD(random_start=False)
    assert seen[0].filename == __file__


def test_a_loss_is_needed_where_it_is_the_distance():
    attack = FeatureDistancePGD(distance='reconstruction')
    with pytest.raises(ValueError) as seen:
        attack.objective(lambda x: [x], [], None)
    assert str(seen.value) == (
        "distance='reconstruction' needs the argument `loss`, a function "
        'from features to a scalar'
    )


def test_the_gradient_of_a_loss_survives_half_precision():
    """Its elements, a batch's share of a mean, have no number in fp16."""
    x = torch.ones(4, 3, requires_grad=True)
    attack = FeatureDistancePGD(distance='reconstruction')
    objective = attack.objective(
        lambda x: [x.half()], [], lambda maps: 1e-9 * maps[0].float().sum()
    )
    objective(x).backward()
    assert (x.grad > 0).all()
    assert torch.tensor(1e-9).half() == 0
