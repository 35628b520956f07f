# Copyright (c) aemim_mm contributors. All rights reserved.
"""The transform in torch against PyWavelets."""

import warnings

import pytest
import torch

from aemim_mm.core.wavelets import WaveletTransform

pywt = pytest.importorskip('pywt')

WAVELETS = ('haar', 'db2', 'bior4.4', 'bior1.3', 'sym8')
SIZES = {(28, 28): 2, (40, 40): 3, (192, 192): 3, (64, 96): 3, (224, 224): 3}


def images(size, n=2, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(n, 3, *size, generator=generator, dtype=dtype)


@pytest.mark.parametrize('wavelet', WAVELETS)
@pytest.mark.parametrize('size', SIZES)
def test_coefficients_are_those_of_pywavelets(wavelet, size):
    transform, x = WaveletTransform(wavelet, 3), images(size)
    levels = transform.levels_of(x)
    assert levels == SIZES[size]
    low, *details = transform.analyse(x)
    with warnings.catch_warnings():
        # That borders count everywhere in small images.
        warnings.simplefilter('ignore')
        expected = pywt.wavedec2(
            x.numpy(), wavelet, 'periodization', levels, axes=(-2, -1)
        )
    torch.testing.assert_close(low, torch.from_numpy(expected[0]))
    for bands, level in zip(details, expected[1:], strict=True):
        for place, band in enumerate(level):
            torch.testing.assert_close(
                bands[:, :, place], torch.from_numpy(band)
            )


@pytest.mark.parametrize('wavelet', WAVELETS)
@pytest.mark.parametrize('size', SIZES)
def test_inverse(wavelet, size):
    transform, x = WaveletTransform(wavelet, 3), images(size)
    coefficients = transform.analyse(x)
    torch.testing.assert_close(transform.synthesise(coefficients), x)
    changed = [
        band * (1 + 0.1 * torch.rand_like(band)) for band in coefficients
    ]
    low, *details = (band.numpy() for band in changed)
    expected = pywt.waverec2(
        [low, *(tuple(d[:, :, i] for i in range(3)) for d in details)],
        wavelet,
        'periodization',
        axes=(-2, -1),
    )
    torch.testing.assert_close(
        transform.synthesise(changed), torch.from_numpy(expected)
    )


def test_gradients():
    transform = WaveletTransform('bior4.4', 2)
    x = images((16, 12), n=1)[:, :1].requires_grad_()

    def there_and_back(x):
        low, *details = transform.analyse(x)
        return transform.synthesise([low, *(d.square() for d in details)])

    assert torch.autograd.gradcheck(there_and_back, x)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_full(dtype):
    transform = WaveletTransform('bior4.4', 3)
    x = images((40, 40), dtype=torch.float32)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        coefficients = transform.analyse(x.to(dtype))
        back = transform.synthesise(coefficients)
    assert {band.dtype for band in (*coefficients, back)} == {torch.float32}
    torch.testing.assert_close(back, x.to(dtype).float(), atol=1e-5, rtol=0)


def test_one_transform_is_for_images_of_all_types():
    transform = WaveletTransform('haar', 1)
    for dtype in (torch.float32, torch.float64, torch.float32):
        coefficients = transform.analyse(images((4, 4), dtype=dtype))
        assert {band.dtype for band in coefficients} == {dtype}


def test_compiled_it_gives_the_same():
    transform = WaveletTransform('bior4.4', 3)
    x = images((40, 24), dtype=torch.float32)
    transform.analyse(x)  # the filters come to the device once

    def there_and_back(x):
        low, *details = transform.analyse(x)
        return transform.synthesise([low, *(d * 2 for d in details)])

    compiled = torch.compile(there_and_back, backend='eager')
    assert torch.equal(compiled(x), there_and_back(x))


@pytest.mark.parametrize(
    'wavelet, size, levels',
    [
        # as often as they are halved without a remainder
        ('haar', (28, 28), 2),
        ('haar', (30, 28), 1),
        ('haar', (256, 24), 3),
        # while the border is no longer than the image: here 8 pixels,
        ('db9', (32, 32), 3),
        ('db9', (8, 64), 1),
        # and here 9
        ('db10', (32, 32), 2),
        ('db10', (16, 16), 1),
        ('sym20', (64, 64), 2),
    ],
)
def test_levels(wavelet, size, levels):
    transform, x = WaveletTransform(wavelet, 9), images(size)
    assert transform.levels_of(x) == levels
    back = transform.synthesise(transform.analyse(x))
    torch.testing.assert_close(back, x)


@pytest.mark.parametrize(
    'arguments, error, says',
    [
        (('bior4,4', 3), ValueError, "^unknown wavelet 'bior4,4': .* 'haar'$"),
        (('haar', 0), ValueError, 'levels must be >= 1'),
        (('haar', True), TypeError, 'levels must be an int, but got True'),
        (('haar', '3'), TypeError, "levels must be an int, but got '3'"),
    ],
)
def test_what_does_not_fit(arguments, error, says):
    with pytest.raises(error, match=says):
        WaveletTransform(*arguments)


def test_images_smaller_than_the_border():
    says = "reaches 9 pixels .* of 8 x 64 have fewer: .* such as 'haar'$"
    with pytest.raises(ValueError, match=says):
        WaveletTransform('db10', 1).analyse(images((8, 64)))


def test_odd_images():
    with pytest.raises(ValueError, match='even height and width, but got 27'):
        WaveletTransform('haar', 1).analyse(images((27, 28)))
