# Copyright (c) aemim_mm contributors. All rights reserved.
from math import sqrt

import numpy as np
import pytest

from aemim_mm.robustness.intervals import (
    Proportion,
    Z,
    paired,
    standard_error,
    unpaired,
    wilson,
)


@pytest.mark.parametrize(
    'right, images, low, high',
    [
        # R. G. Newcombe, Two-sided confidence intervals for the single
        # proportion, Statistics in Medicine 17, 1998, Table I, method 3
        (81, 263, 25.53, 36.62),
        (15, 148, 6.24, 16.05),
        (0, 20, 0.00, 16.11),
        (1, 29, 0.61, 17.18),
    ],
)
def test_wilson(right, images, low, high):
    found = wilson(100 * right / images, images)
    assert found == pytest.approx((low, high), abs=0.006)
    mirrored = wilson(100 * (images - right) / images, images)
    assert mirrored == pytest.approx((100 - high, 100 - low), abs=0.006)
    assert 0 <= found[0] and mirrored[1] <= 100


@pytest.mark.parametrize('share', [(101, 5), (-1, 5), (50, 0)])
def test_no_share(share):
    with pytest.raises(ValueError, match='is not valid'):
        wilson(*share)


def test_unpaired_is_that_of_agresti_and_caffo():
    first, second = Proportion(90, 10), Proportion(20, 10)
    p, q = 10 / 12, 3 / 12
    half = 1.959964 * sqrt(p * (1 - p) / 12 + q * (1 - q) / 12)
    assert unpaired([[first]], [[second]]) == pytest.approx(
        (100 * (q - p - half), 100 * (q - p + half))
    )


def test_unpaired_has_a_width_where_nothing_is_right():
    low, high = unpaired([[Proportion(0, 1000)]], [[Proportion(0, 1000)]])
    assert low == pytest.approx(-high) and 0.2 < high < 0.5


def test_standard_error_adds_within_a_data_set_not_across():
    share = Proportion(50, 998, 0.5)  # sqrt(0.25 / 1000) = 1.5811 %
    assert standard_error([[share, share]]) == pytest.approx(1.5811, abs=1e-4)
    assert standard_error([[share], [share]]) == pytest.approx(
        1.5811 / sqrt(2), abs=1e-4
    )
    negative = Proportion(50, 998, -0.5)
    assert standard_error([[share, negative]]) == pytest.approx(
        1.5811, abs=1e-4
    )


def test_weights_count_in_the_middle():
    one = [[Proportion(10, 98, 0.25)], [Proportion(30, 98, -1)]]
    two = [[Proportion(60, 98, 0.25)], [Proportion(30, 98, -1)]]
    low, high = unpaired(one, two)
    # 98 images and two more: 11 and 59.8 of 100
    assert (low + high) / 2 == pytest.approx(0.25 * (59.8 - 10.8))


def test_paired_is_that_of_bonett_and_price():
    gained, lost, images = 12, 5, 98
    values = np.repeat([1, -1, 0], [gained, lost, images - gained - lost])
    p, q = (gained + 1) / 100, (lost + 1) / 100
    half = Z * sqrt((p + q - (p - q) ** 2) / 100)
    assert paired([values], [1]) == pytest.approx(
        (100 * (p - q - half), 100 * (p - q + half))
    )


def test_paired_is_narrower_where_classifiers_agree():
    values = np.repeat([1, -1, 0], [100, 40, 4860])
    low, high = paired([values], [1])
    assert low > 0
    wide = unpaired([[Proportion(80, 5000)]], [[Proportion(81.2, 5000)]])
    assert wide[0] < 0 and wide[1] - wide[0] > 3 * (high - low)


def test_paired_sums_over_data_sets():
    rng = np.random.default_rng(0)
    values = [rng.integers(-1, 2, 50) / 4, rng.integers(-1, 2, 80) / 2]
    single = [
        paired([v], [b]) for v, b in zip(values, (0.25, 0.5), strict=True)
    ]
    halves = [(high - low) / 2 for low, high in single]
    low, high = paired(values, [0.25, 0.5])
    assert (high - low) / 2 == pytest.approx(np.hypot(*halves))
    assert (high + low) / 2 == pytest.approx(sum(map(sum, single)) / 2)


def test_coverage():
    """19 of 20 intervals hold the true difference, paired or not."""
    rng = np.random.default_rng(1)
    hits = np.zeros(2)
    for _ in range(1000):
        first = rng.random(200) < 0.9
        second = np.where(rng.random(200) < 0.5, first, rng.random(200) < 0.96)
        low, high = paired([second.astype(int) - first], [1])
        hits[0] += low <= 3 <= high
        other = 100 * (rng.random(200) < 0.93).mean()
        low, high = unpaired(
            [[Proportion(100 * first.mean(), 200)]], [[Proportion(other, 200)]]
        )
        hits[1] += low <= 3 <= high
    assert (np.abs(hits / 1000 - 0.95) < 0.025).all()
