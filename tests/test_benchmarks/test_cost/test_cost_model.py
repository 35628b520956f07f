# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest

from benchmarks.cost.cost_model import (
    STOCK,
    Parts,
    StepShape,
    floor,
    from_costs,
)

# Shares of encoder and decoder in MAE's forward pass, by operations.
SMALL, BASE = (0.17, 0.83), (0.46, 0.54)
AEMIM, FAST = StepShape(1.0, 2), StepShape(0.25, 1)


def parts(encoder, decoder):
    """A backward pass costs two forward passes, one to the inputs alone."""
    return Parts(encoder, 2 * encoder, encoder, decoder, 2 * decoder, decoder)


@pytest.mark.parametrize(
    'shares, shape, ratio',
    [
        (SMALL, AEMIM, 2.23),
        (SMALL, FAST, 1.28),
        (BASE, AEMIM, 2.61),
        (BASE, FAST, 1.33),
    ],
)
def test_floors_of_the_recipes(shares, shape, ratio):
    costs = parts(*shares)
    found = floor(costs, shape) / floor(costs, STOCK)
    assert found == pytest.approx(ratio, abs=0.006)


def test_closed_form():
    """MAE 3 (e + d), AEMIM 6 (e + d) + 2 T e, Fast 3.75 (e + d) + 0.5 e."""
    e, d = 5.0, 7.0
    assert floor(parts(e, d), STOCK) == 3 * (e + d)
    for steps in (1, 2, 3):
        found = floor(parts(e, d), StepShape(1.0, steps))
        assert found == 6 * (e + d) + 2 * steps * e
    assert floor(parts(e, d), FAST) == 3.75 * (e + d) + 0.5 * e


def test_what_costs_extra():
    e, d = 5.0, 7.0
    plain = floor(parts(e, d), StepShape(0.5, 2))
    decodes = floor(parts(e, d), StepShape(0.5, 2, decodes=True))
    assert decodes - plain == 0.5 * 2 * 2 * d
    recomputes = floor(parts(e, d), StepShape(0.5, 2, recomputes=True))
    assert recomputes - plain == 0.5 * e


def test_backward_passes_are_what_they_add_to_the_forward_pass():
    costs = dict(
        encoder=1.0,
        encoder_backward=3.5,
        encoder_pixels=2.25,
        decoder=4.0,
        decoder_backward=12.0,
        decoder_features=9.0,
    )
    assert from_costs(costs) == Parts(1.0, 2.5, 1.25, 4.0, 8.0, 5.0)
