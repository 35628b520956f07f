# Copyright (c) aemim_mm contributors. All rights reserved.
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image

from aemim_mm.datasets import corrupt_image as module
from aemim_mm.datasets.corrupt_image import corrupt_image, corruption_seed
from aemim_mm_cli.choices import CORRUPTIONS

NEEDS_LIBRARY = pytest.mark.skipif(
    find_spec('imagecorruptions') is None, reason='needs imagecorruptions'
)


def picture(size=(48, 40), mode='RGB'):
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 256, (size[1] // 4, size[0] // 4, 3))
    pixels = blocks.repeat(4, 0).repeat(4, 1).astype(np.uint8)
    return Image.fromarray(pixels).convert(mode)


def pixels(*args):
    return np.asarray(corrupt_image(*args)).astype(int)


@NEEDS_LIBRARY
@pytest.mark.parametrize('corruption', CORRUPTIONS)
def test_the_seed_decides(corruption):
    clean = picture()
    first = pixels(clean, corruption, 3, 1)
    np.random.seed(5)
    assert (pixels(clean, corruption, 3, 1) == first).all()
    assert first.shape == (40, 48, 3)
    assert np.abs(first - np.asarray(clean)).mean() > 1


@NEEDS_LIBRARY
@pytest.mark.parametrize(
    'corruption',
    ['gaussian_noise', 'impulse_noise', 'glass_blur', 'frost', 'fog'],
)
def test_another_seed_gives_another_picture(corruption):
    first, second = (pixels(picture(), corruption, 3, k) for k in (1, 2))
    assert (first != second).any()


@NEEDS_LIBRARY
def test_global_generator_is_left_alone():
    np.random.seed(3)
    expected = np.random.rand(2)
    np.random.seed(3)
    corrupt_image(picture(), 'snow', 1, 9)
    assert (np.random.rand(2) == expected).all()


def test_small_pictures_change_by_the_corruption_alone(monkeypatch):
    seen = []

    def nothing(array, **options):
        seen.append(array.shape)
        return array

    monkeypatch.setattr(module, '_library', lambda: nothing)
    for size, larger in [((28, 28), (56, 56)), ((40, 8), (160, 32))]:
        result = corrupt_image(picture(size, 'L'), 'fog', 1, 0)
        assert seen.pop() == (*larger[::-1], 3)
        assert np.array_equal(result, picture(size, 'L').convert('RGB'))
    corrupt_image(picture((32, 40)), 'fog', 1, 0)
    assert seen.pop() == (40, 32, 3)


@NEEDS_LIBRARY
@pytest.mark.parametrize('corruption', CORRUPTIONS)
def test_small_pictures_work(corruption):
    # Not of blocks, which pixelation can leave as they are.
    clean = np.random.default_rng(0).integers(0, 256, (28, 28))
    grey = Image.fromarray(clean.astype(np.uint8))
    for severity in (1, 5):
        result = pixels(grey, corruption, severity, 1)
        assert result.shape == (28, 28, 3)
        assert np.abs(result - clean[..., None]).mean() > 1


def test_seeds_differ_by_everything():
    calls = [
        (0, 'a/1.jpg', 'fog', 1),
        (1, 'a/1.jpg', 'fog', 1),
        (0, 'b/1.jpg', 'fog', 1),
        (0, 'a/1.jpg', 'snow', 1),
        (0, 'a/1.jpg', 'fog', 2),
    ]
    seeds = [corruption_seed(*call) for call in calls]
    assert len(set(seeds)) == 5
    assert seeds == [corruption_seed(*call) for call in calls]
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_missing_library(monkeypatch):
    monkeypatch.setitem(sys.modules, 'imagecorruptions', None)
    with pytest.raises(ImportError, match='pip install imagecorruptions-ima'):
        corrupt_image(picture(), 'fog', 1, 0)
