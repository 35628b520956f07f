# Copyright (c) aemim_mm contributors. All rights reserved.
import io

import numpy as np
import pytest
import torch
from mmpretrain.datasets import RandomResizedCrop
from mmpretrain.registry import TRANSFORMS
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2.functional import resized_crop

from aemim_mm.datasets import FastRandomResizedCrop, LoadImageOrSkip

# Whole image, its last rows and columns, its first, one that must grow.
BOXES = [(0, 0, 75, 100), (15, 30, 60, 70), (0, 0, 40, 33), (30, 20, 9, 12)]


@pytest.fixture
def picture():
    """Smooth shapes with noise, (75, 100, 3) RGB."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:75, :100]
    waves = [np.sin(x / s) * np.cos(y / (s + 3)) for s in (5, 9, 14)]
    pixels = 128 + 90 * np.stack(waves, 2) + rng.normal(0, 20, (75, 100, 3))
    return pixels.clip(0, 255).astype(np.uint8)


def crop_at(monkeypatch, box, img, **options):
    transform = FastRandomResizedCrop(**{'scale': 32, **options})
    monkeypatch.setattr(transform, 'rand_crop_params', lambda img: box)
    return transform(dict(img=img))


@pytest.mark.parametrize('box', BOXES)
@pytest.mark.parametrize('interpolation', ['bicubic', 'bilinear', 'lanczos'])
def test_pillow_is_torchvision_on_pil(
    monkeypatch, picture, box, interpolation
):
    img = np.ascontiguousarray(picture[..., ::-1])
    results = crop_at(
        monkeypatch, box, img, scale=(24, 32), interpolation=interpolation
    )
    expected = resized_crop(
        Image.fromarray(picture),
        *box,
        [24, 32],
        InterpolationMode(interpolation),
    )
    assert results['img_shape'] == (24, 32, 3)
    np.testing.assert_array_equal(results['img'][..., ::-1], expected)


@pytest.mark.parametrize('box', BOXES)
@pytest.mark.parametrize('interpolation', ['bicubic', 'bilinear'])
def test_torch_is_torchvision_on_tensors(
    monkeypatch, picture, box, interpolation
):
    results = crop_at(
        monkeypatch,
        box,
        picture,
        scale=(24, 32),
        backend='torch',
        interpolation=interpolation,
    )
    expected = resized_crop(
        torch.from_numpy(picture).permute(2, 0, 1),
        *box,
        [24, 32],
        InterpolationMode(interpolation),
        antialias=True,
    )
    np.testing.assert_array_equal(
        results['img'], expected.permute(1, 2, 0).numpy()
    )


@pytest.mark.parametrize('box', BOXES)
def test_torch_is_close_to_pillow_and_cv2_is_not(monkeypatch, picture, box):
    pillow, by_torch, cv2 = (
        crop_at(monkeypatch, box, picture, backend=name)['img'].astype(int)
        for name in ('pillow', 'torch', 'cv2')
    )
    difference = abs(pillow - by_torch)
    assert difference.max() <= 2 and (difference > 0).mean() < 0.4
    if box[2] > 32 and box[3] > 32:  # cv2 has no antialiasing
        assert abs(pillow - cv2).mean() > 1


@pytest.mark.parametrize(
    'options',
    [
        dict(backend='pillow', interpolation='bicubic'),
        dict(backend='pillow', interpolation='lanczos', max_attempts=0),
        dict(backend='cv2', interpolation='bicubic', scale=(20, 30)),
        dict(backend='pillow', interpolation='nearest'),
    ],
)
def test_same_draws_and_pixels_as_the_parent(picture, options):
    options = {'scale': 32, 'crop_ratio_range': (0.2, 1.0), **options}
    results = []
    for cls in (RandomResizedCrop, FastRandomResizedCrop):
        np.random.seed(0)
        transform = cls(**options)
        results.append([transform(dict(img=picture)) for _ in range(20)])
    for stock, fast in zip(*results, strict=True):
        assert stock['img_shape'] == fast['img_shape']
        np.testing.assert_array_equal(stock['img'], fast['img'])


@pytest.mark.parametrize('backend', ['pillow', 'torch', 'cv2'])
@pytest.mark.parametrize('kind', ['grey', 'view', 'mirrored', 'read-only'])
def test_other_arrays(monkeypatch, picture, backend, kind):
    wide = np.concatenate([picture, picture], 1)
    img = {
        'grey': picture[..., 0],
        'view': wide[:, :100],
        'mirrored': picture[:, ::-1].copy()[:, ::-1],
        'read-only': picture.copy(),
    }[kind]
    img.flags.writeable = kind != 'read-only'
    result = crop_at(monkeypatch, BOXES[1], img, backend=backend)['img']
    expected = crop_at(monkeypatch, BOXES[1], picture, backend=backend)['img']
    if kind == 'grey':
        expected = expected[..., 0]
    np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(picture, wide[:, :100])
    assert result.flags.writeable


@pytest.mark.parametrize('backend', ['pillow', 'torch'])
def test_between_loading_and_packing(tmp_path, picture, backend):
    """A file and a damaged one, through the pre-training pipeline."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, 'JPEG', quality=90)
    content = buffer.getvalue()
    (tmp_path / 'good.jpg').write_bytes(content)
    (tmp_path / 'cut.jpg').write_bytes(content[:-500])
    load = LoadImageOrSkip()
    crop = dict(type='FastRandomResizedCrop', scale=32, backend=backend)
    crop, flip, pack = (
        TRANSFORMS.build(step)
        for step in (
            crop,
            dict(type='RandomFlip', prob=1.0),
            dict(type='PackInputs'),
        )
    )
    assert load(dict(img_path=str(tmp_path / 'cut.jpg'))) is None
    results = load(dict(img_path=str(tmp_path / 'good.jpg')))
    np.random.seed(0)
    box = crop.rand_crop_params(results['img'])
    np.random.seed(0)
    inputs = pack(flip(crop(results)))['inputs']
    decoded = Image.open(tmp_path / 'good.jpg')
    expected = resized_crop(decoded, *box, [32, 32], InterpolationMode.BICUBIC)
    expected = torch.from_numpy(np.array(expected)[:, ::-1, ::-1].copy())
    expected = expected.permute(2, 0, 1)
    assert inputs.dtype == torch.uint8 and inputs.shape == (3, 32, 32)
    largest = (inputs.int() - expected.int()).abs().max()
    assert largest == 0 if backend == 'pillow' else largest <= 2


@pytest.mark.parametrize(
    'options, words',
    [
        (dict(backend='jpeg'), "backend must be .*'torch'.* got 'jpeg'"),
        (dict(backend='torch', interpolation='lanczos'), "'bicubic'.*lanczos"),
        (dict(backend='pillow', interpolation='area'), "'lanczos'.*'area'"),
    ],
)
def test_wrong_arguments(options, words):
    with pytest.raises(ValueError, match=words):
        FastRandomResizedCrop(scale=32, **options)
