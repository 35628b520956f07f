# Copyright (c) aemim_mm contributors. All rights reserved.
"""Examples whose change is relative to the image's own structure."""

import copy
import sys

import numpy as np
import pytest
import torch
from pixels import MEAN, STD, column, images, to_pixels
from torch import nn

from aemim_mm.core import WaveletPGD
from aemim_mm.core.wavelets import WaveletTransform

pywt = pytest.importorskip('pywt')

MEAN_C, STD_C = column(MEAN), column(STD)


@pytest.fixture
def encoder():
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(3, 8, 4, stride=4),
        nn.Tanh(),
        nn.Flatten(),
        nn.LazyLinear(16),
    )


def run(attack, encoder, x, std=STD_C, seed=0):
    def encode(z):
        return [encoder(z)[:, None]]

    with torch.no_grad():
        reference = encode(x)
    torch.manual_seed(seed)
    return attack(encode, x, reference, MEAN_C, std), reference


def coefficients(x, attack):
    return attack.transform.analyse(x.double() * STD_C.double())


@pytest.mark.parametrize('bands', ['detail', 'all'])
@pytest.mark.parametrize('budget', [0.1, 0.5, 1.0])
def test_coefficients_change_relative_to_themselves(
    encoder, monkeypatch, bands, budget
):
    attack = WaveletPGD(budget, bands)
    # Nothing is bounded here but the factors.
    monkeypatch.setattr(
        'aemim_mm.core.wavelet_pgd.project', lambda moved, *_: moved
    )
    x = images(3).double()
    x_adv, _ = run(attack, encoder.double(), x, STD_C.double())
    before, after = coefficients(x, attack), coefficients(x_adv, attack)
    for place, (old, new) in enumerate(zip(before, after, strict=True)):
        if place == 0 and bands == 'all':
            old = old + attack.transform.analyse((0 * x) + MEAN_C.double())[0]
        change = (new - before[place]).abs()
        assert (change <= budget * old.abs() + 1e-3).all()
        if place or bands == 'all':
            assert change.max() > 0.1 * budget * old.abs().max()
        else:
            assert change.max() < 1e-3


def test_pixels_stay_in_the_box(encoder):
    x_adv, _ = run(WaveletPGD(1.0, 'all'), encoder, images(4))
    pixels = to_pixels(x_adv)
    assert pixels.min() >= -1e-3 and pixels.max() <= 255 + 1e-3


def test_an_image_without_structure_comes_back(encoder):
    x = (
        torch.zeros_like(images(2))
        + torch.tensor([0.5, -0.25])[:, None, None, None]
    )
    x_adv, _ = run(WaveletPGD(1.0), encoder, x)
    torch.testing.assert_close(x_adv, x, atol=1e-4, rtol=0)


def test_nothing_changes_where_the_image_is_flat(encoder):
    x = images(2)
    x[..., :16] = 0.25
    attack = WaveletPGD(0.5, wavelet='haar', levels=2)
    x_adv, _ = run(attack, encoder, x)
    change = (to_pixels(x_adv) - to_pixels(x)).abs()
    assert change[..., :16].max() < 1e-3
    assert change[..., 16:].max() > 1


def test_a_bound_in_pixel_values(encoder):
    x = images(4)
    free, _ = run(WaveletPGD(0.5), encoder, x)
    bound, _ = run(WaveletPGD(0.5, max_pixel_change=2), encoder, x)
    change = (to_pixels(free) - to_pixels(x)).abs().max()
    assert change > 4
    assert (to_pixels(bound) - to_pixels(x)).abs().max() <= 2 + 1e-3


@pytest.mark.parametrize('distance', ['l2', 'kl'])
@pytest.mark.parametrize('num_steps', [1, 2, 3])
def test_features_move_further_than_by_chance(encoder, distance, num_steps):
    x = images(4)
    attack = WaveletPGD(0.3, num_steps=num_steps, distance=distance)
    x_adv, reference = run(attack, encoder, x)
    start = copy.copy(attack)
    start.num_steps = 0
    by_chance, _ = run(start, encoder, x)
    with torch.no_grad():
        distances = [
            attack.measure([encoder(z)[:, None]], reference)
            for z in (x_adv, by_chance)
        ]
    assert (distances[0] > 1.2 * distances[1]).all()


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision(encoder, dtype):
    attack = WaveletPGD(budget=0.5, max_pixel_change=8)
    x = images(3)
    with torch.autocast('cpu', dtype=dtype):
        x_adv, _ = run(attack, encoder, x)
    assert x_adv.dtype == torch.float32
    full, reference = run(attack, encoder, x)
    assert 1 < ((x_adv - x) * STD_C).abs().max() < 8 + 1e-3
    # Rounding turns the sign of small gradients, which matter little.
    distances = [
        attack.measure([encoder(z)[:, None]], reference).sum()
        for z in (x_adv, full)
    ]
    assert distances[0] > 0.95 * distances[1]


def test_images_in_half_precision_stay_so():
    x, mean, std = images(2).half(), MEAN_C.half(), STD_C.half()
    x_adv = WaveletPGD(0.5)(lambda z: [z.float()], x, [x.float()], mean, std)
    assert x_adv.dtype == torch.float16


def test_one_step_equals_numpy(encoder):
    """FGSM from no change at all, by PyWavelets and the chain rule."""
    # At the faces of the pixel box itself, gradients are half a matter.
    x = (to_pixels(images(1)).clamp(1, 254) - MEAN_C) / STD_C
    attack = WaveletPGD(
        0.2, 'all', 'haar', 1, 1, random_start=False, distance='reconstruction'
    )
    weights = torch.randn(x.shape, generator=torch.Generator().manual_seed(3))
    x_adv = attack(
        lambda z: [z],
        x,
        [x],
        MEAN_C,
        STD_C,
        loss=lambda features: (weights * features[0]).sum(),
    )
    pixels = (x * STD_C + MEAN_C)[0].double().numpy()
    slope = (weights / STD_C)[0].double().numpy()
    expected = []
    for channel, gradient in zip(pixels, slope, strict=True):
        low, details = pywt.dwt2(channel, 'haar', 'periodization')
        # An orthogonal transform: the gradient goes there as the image does.
        d_low, d_details = pywt.dwt2(gradient, 'haar', 'periodization')
        moved = [
            c * (1 + 0.2 * np.sign(d * c))
            for c, d in zip((low, *details), (d_low, *d_details), strict=True)
        ]
        back = pywt.idwt2((moved[0], moved[1:]), 'haar', 'periodization')
        expected.append(np.clip(back, 0, 255))
    torch.testing.assert_close(
        to_pixels(x_adv)[0].double(),
        torch.from_numpy(np.stack(expected)),
        atol=2e-3,
        rtol=0,
    )


@pytest.mark.parametrize('bands', WaveletPGD.BANDS)
def test_steps_from_a_random_start_equal_the_formula(bands):
    """Of an orthogonal transform of the pixels themselves.

    L_d is then a sum of (c m)^2 with positive weights, and its gradient has
    the sign of m: every factor moves away from 0. Where the encoder does not
    look, as in masked patches, the gradient is 0 and no factor moves.
    """
    pixels = 128 + 8 * torch.randn(2, 3, 8, 8).double()  # far from the box
    x = (pixels - MEAN_C) / STD_C
    budget, step_size = 0.2, 0.05
    attack = WaveletPGD(budget, bands, 'haar', 2, 2, step_size)
    torch.manual_seed(5)
    x_adv = attack(lambda z: [z[..., :4]], x, [x[..., :4]], MEAN_C, STD_C)
    torch.manual_seed(5)
    changed = []
    for band in attack.transform.analyse(pixels):
        start = (2 * torch.rand_like(band) - 1) * budget
        width = band.shape[-1]
        seen = torch.arange(width) < width // 2
        factors = start + 2 * step_size * start.sign() * seen
        changed.append(band * (1 + factors.clamp(-budget, budget)))
    if bands == 'detail':
        changed[0] = attack.transform.analyse(pixels)[0]
    expected = attack.transform.synthesise(changed)
    torch.testing.assert_close(
        x_adv * STD_C + MEAN_C, expected, atol=1e-5, rtol=0
    )


def test_without_pywavelets(monkeypatch):
    monkeypatch.setitem(sys.modules, 'pywt', None)
    with pytest.raises(
        ImportError, match='^wavelets need .* pip install PyWavelets$'
    ):
        WaveletTransform('haar', 1)


@pytest.mark.parametrize(
    'options, error, says',
    [
        (dict(budget=0), ValueError, r'in \(0, 1\], but got 0'),
        (dict(budget=1.5), ValueError, '^budget is relative'),
        (dict(budget='a'), TypeError, 'budget must be a number'),
        (dict(bands='low'), ValueError, "unknown bands 'low'"),
        (dict(wavelet='x'), ValueError, "unknown wavelet 'x'"),
        (dict(levels=0), ValueError, 'levels must be >= 1'),
        (dict(step_size=0), ValueError, '^step_size is one of factors'),
        (dict(step_size=2.5), ValueError, r'in \(0, 2\] or None, but got 2'),
        (dict(step_size='a'), TypeError, '^step_size must be a number'),
        (dict(num_steps=0), ValueError, 'num_steps must be >= 1'),
        (dict(max_pixel_change=0), ValueError, '^max_pixel_change is in'),
        (dict(max_pixel_change=255.5), ValueError, r'in \(0, 255\] or None'),
        (dict(max_pixel_change='a'), TypeError, '^max_pixel_change must be'),
        (dict(distance='l1'), ValueError, "unknown distance 'l1'"),
        (dict(random_start=1), TypeError, 'random_start must be'),
    ],
)
def test_arguments_out_of_range(options, error, says):
    with pytest.raises(error, match=says):
        WaveletPGD(**options)


def test_ends_of_the_ranges():
    attack = WaveletPGD(budget=1, step_size=2, max_pixel_change=255)
    assert (attack.budget, attack.step_size) == (1, 2)
    assert WaveletPGD(max_pixel_change=0.5).max_pixel_change == 0.5


def test_defaults():
    assert repr(WaveletPGD()) == (
        "WaveletPGD(budget=0.25, bands='detail', wavelet='bior4.4', levels=3, "
        "num_steps=2, step_size=0.125, distance='l2', random_start=True, "
        'max_pixel_change=None)'
    )


def test_repr_makes_an_equal_one():
    attack = WaveletPGD(0.5, 'all', 'haar', 2, 3, 0.1, 'kl', False, 4)
    assert repr(eval(repr(attack))) == repr(attack)
