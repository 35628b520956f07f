# Copyright (c) aemim_mm contributors. All rights reserved.
"""Properties that hold for any input, tried on inputs drawn at random.

The draws are the same in every run.
"""

import copy
import string

import numpy as np
import pytest
import torch
from mmengine.config import Config

pytest.importorskip('hypothesis')
from hypothesis import assume, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from hypothesis.extra import numpy as hnp  # noqa: E402

from aemim_mm.core import (  # noqa: E402
    BatchSubset,
    FeatureDistancePGD,
    MaskDraw,
    remembered_mask,
    repeated_mask,
)
from aemim_mm.core.distances import squared_l2  # noqa: E402
from aemim_mm.core.linf import project, uniform_start  # noqa: E402
from aemim_mm.evaluation.gathering import gather_images  # noqa: E402
from aemim_mm.robustness.intervals import (  # noqa: E402
    Proportion,
    paired,
    unpaired,
    wilson,
)
from aemim_mm.utils.read_config import merge_options  # noqa: E402
from aemim_mm_cli.cfg_options import parse_value  # noqa: E402

tried = settings(
    max_examples=200, derandomize=True, deadline=None, database=None
)
numbers = st.floats(-1e3, 1e3, width=32)
seeds = st.integers(0, 2**32 - 1)
shares = st.floats(0, 100)


def column(values):
    return torch.tensor(values, dtype=torch.float64).view(-1, 1, 1)


@st.composite
def boxed(draw):
    """Images within a pixel box, a radius, and something to project."""
    channels = draw(st.integers(1, 3))
    low = column(draw(st.lists(numbers, min_size=channels, max_size=channels)))
    high = low + draw(st.floats(0.01, 100))
    shape = draw(st.tuples(st.integers(1, 3), st.just(channels)))
    shape = (*shape, draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    share = draw(hnp.arrays(np.float64, shape, elements=st.floats(0, 1)))
    x = low + torch.from_numpy(share) * (high - low)
    other = draw(hnp.arrays(np.float64, shape, elements=numbers))
    radius = column([draw(st.floats(0, 50)) for _ in range(channels)])
    return x, torch.from_numpy(other), radius, low, high


@tried
@given(boxed())
def test_the_projection_is_the_nearest_point_of_ball_and_box(case):
    x, other, radius, low, high = case
    projected = project(other, x, radius, low, high)
    lower = torch.maximum(x - radius, low)
    upper = torch.minimum(x + radius, high)
    assert torch.equal(projected, other.clamp(lower, upper))
    again = project(projected, x, radius, low, high)
    assert torch.equal(again, projected)
    assert torch.equal(project(x, x, radius, low, high), x)


@tried
@given(boxed(), seeds)
def test_a_random_start_is_in_ball_and_box(case, seed):
    x, _, radius, low, high = case
    torch.manual_seed(seed)
    start = uniform_start(x, radius, low, high)
    tolerance = 1e-9 * (1 + x.abs().max())
    assert ((start - x).abs() <= radius + tolerance).all()
    assert (start >= low - tolerance).all()
    assert (start <= high + tolerance).all()


@tried
@given(
    st.floats(0, 64),
    st.integers(1, 4),
    st.one_of(st.none(), st.floats(0.01, 64)),
    st.booleans(),
    seeds,
)
@pytest.mark.filterwarnings('ignore:epsilon=', 'ignore:random_start=False')
def test_the_attack_stays_in_its_budget(epsilon, steps, size, start, seed):
    torch.manual_seed(seed)
    mean, std = column([120.0, 100.0]), column([60.0, 50.0])
    x = (255 * torch.rand(2, 2, 4, 4, dtype=torch.float64) - mean) / std
    weight = torch.randn(32, 8, dtype=torch.float64)

    def encode(z):
        return [(z.flatten(1) @ weight)[:, None]]

    attack = FeatureDistancePGD(epsilon, steps, size, random_start=start)
    found = attack(encode, x, encode(x), mean, std)
    assert ((found - x) * std).abs().max() <= epsilon + 1e-9
    pixels = found * std + mean
    assert -1e-9 <= pixels.min() and pixels.max() <= 255 + 1e-9
    assert torch.isfinite(found).all() and found.grad_fn is None


@tried
@given(hnp.arrays(np.float64, (3, 4, 5), elements=numbers), seeds)
def test_the_distance_is_a_square_of_a_norm(values, seed):
    torch.manual_seed(seed)
    a, b = torch.from_numpy(values), torch.randn(3, 4, 5, dtype=torch.float64)
    forth, back = squared_l2([a], [b]), squared_l2([b], [a])
    assert torch.equal(forth, back) and (forth >= 0).all()
    assert (squared_l2([a], [a]) == 0).all()
    # Of several maps it is the sum; images do not see each other.
    assert torch.allclose(squared_l2([a, b], [b, b]), forth)
    assert torch.allclose(squared_l2([a[1:2]], [b[1:2]]), forth[1:2])


@st.composite
def subsets(draw):
    size = draw(st.integers(1, 8))
    rows = draw(
        st.one_of(
            st.none(),
            st.lists(st.integers(0, size - 1), min_size=1, unique=True),
        )
    )
    return size, rows


@tried
@given(subsets())
def test_rows_of_everything_that_belongs_to_images(case):
    size, rows = case
    images = torch.arange(size * 2).view(size, 2)
    names = [f'image {row}' for row in range(size)]
    shared = torch.zeros(size + 1, 2)
    value = dict(x=images, names=names, views=[images, images + 1], s=shared)
    found = BatchSubset(rows, size).of(value)
    expected = list(range(size)) if rows is None else rows
    assert found['x'].tolist() == images[expected].tolist()
    assert found['names'] == [names[row] for row in expected]
    assert found['views'][1].tolist() == (images + 1)[expected].tolist()
    assert found['s'] is shared


class Draws:
    """Draws a mask, as masked auto-encoders do."""

    def draw(self, x, ratio):
        """Which tokens are kept, (N, L)."""
        return torch.rand(x.shape[:2]) > ratio


@tried
@given(subsets(), st.integers(1, 9), st.floats(0, 1), seeds)
def test_a_mask_is_repeated_for_any_rows(case, tokens, ratio, seed):
    size, rows = case
    owner = Draws()
    rule = MaskDraw('draw', lambda mask: (mask,), lambda kept, *_: kept[0])
    x = torch.zeros(size, tokens)
    torch.manual_seed(seed)
    with remembered_mask(owner, rule) as masks:
        drawn = owner.draw(x, ratio)
    subset = BatchSubset(rows, size)
    state = torch.get_rng_state()
    with repeated_mask(owner, rule, subset.of(masks[0])):
        again = owner.draw(subset.of(x), ratio)
    assert torch.equal(again, subset.of(drawn))
    # Nothing is drawn anew, and the method is as before.
    assert torch.equal(torch.get_rng_state(), state)
    assert 'draw' not in vars(owner)


plain = st.recursive(
    st.one_of(
        st.integers(-(10**6), 10**6),
        st.floats(-1e6, 1e6),
        st.booleans(),
        st.none(),
        st.text(string.ascii_letters + ' -./', max_size=8),
    ),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)


@tried
@given(plain)
def test_options_are_read_as_they_are_written(value):
    # Quotes keep a text from being anything else.
    assert parse_value(repr(value)) == value


keys = st.lists(st.sampled_from(['a', 'b', 'c']), min_size=1, max_size=3).map(
    '.'.join
)


@tried
@given(st.dictionaries(keys, st.integers(), max_size=4))
def test_ablations_merge_in_any_order(options):
    """Options on different keys do not see each other."""
    names = list(options)
    assume(
        not any(
            a != b and f'{b}.'.startswith(f'{a}.')
            for a in names
            for b in names
        )
    )
    base = Config(dict(kept=dict(x=1)))
    together = copy.deepcopy(base)
    merge_options(together, options)
    apart = copy.deepcopy(base)
    for name in reversed(names):
        merge_options(apart, {name: options[name]})
    assert together.to_dict() == apart.to_dict()
    assert together.kept == dict(x=1)
    for name, value in options.items():
        found = together
        for part in name.split('.'):
            found = found[part]
        assert found == value


@tried
@given(shares, st.integers(1, 10**6))
def test_wilsons_interval(percent, images):
    low, high = wilson(percent, images)
    assert 0 <= low <= percent + 1e-9 and percent - 1e-9 <= high <= 100
    # More images, less doubt; right and wrong are treated alike.
    narrow = wilson(percent, 4 * images)
    assert narrow[1] - narrow[0] < high - low
    other = wilson(100 - percent, images)
    assert other == pytest.approx((100 - high, 100 - low), abs=1e-9)


@tried
@given(
    hnp.arrays(np.int64, (60,), elements=st.integers(-1, 1)), shares, shares
)
def test_intervals_of_differences(differences, first, second):
    low, high = paired([differences], [1])
    back = paired([-differences], [1])
    assert back == pytest.approx((-high, -low), abs=1e-9)
    assert low <= 100 * differences.sum() / 62 <= high
    groups = [[Proportion(first, 60)]], [[Proportion(second, 60)]]
    low, high = unpaired(*groups)
    back = unpaired(*reversed(groups))
    assert back == pytest.approx((-high, -low), abs=1e-9)
    middle = 60 / 62 * (second - first)
    assert (low + high) / 2 == pytest.approx(middle, abs=1e-9)


@tried
@given(st.data())
def test_images_of_all_batches_are_joined_once(data):
    index = data.draw(st.lists(st.integers(0, 99), min_size=1, unique=True))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(index)))))
    bounds = [0, *cuts, len(index)]
    batches = [
        torch.tensor(index[start:stop], dtype=torch.int64)
        for start, stop in zip(bounds, bounds[1:], strict=False)
    ]
    found, values = gather_images(batches, [batch * 2 for batch in batches])
    assert found.tolist() == sorted(index)
    assert values.tolist() == [2 * place for place in sorted(index)]
