# Copyright (c) aemim_mm contributors. All rights reserved.
import numpy as np
import pytest
from PIL import Image

from benchmarks.loader_speed.pixels import (
    PixelDifference,
    compare_pixels,
    crop_by,
    crop_of_tensors,
)
from benchmarks.loader_speed.recipe import recipe_of

PIPELINE = [
    dict(type='LoadImageOrSkip'),
    dict(type='FastRandomResizedCrop', scale=24),
    dict(type='RandomFlip', prob=0.0),
    dict(type='PackInputs'),
]


@pytest.fixture
def paths(tmp_path):
    rng = np.random.default_rng(0)
    paths = [tmp_path / f'{index}.jpg' for index in range(6)]
    for path in paths:
        pixels = rng.integers(0, 256, (90, 80, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path, quality=90)
    return paths


def test_largest_and_shares(paths):
    recipe = recipe_of(PIPELINE)
    crop = crop_by(PIPELINE)

    def changed(path, seed):
        pixels, box = crop(path, seed)
        pixels = pixels.astype(int)
        pixels[:12] += 1
        pixels[:6] += 6
        return pixels, box

    assert compare_pixels(crop, recipe, paths) == PixelDifference(0, 0.0, 0.0)
    assert compare_pixels(changed, recipe, paths) == PixelDifference(
        7, 0.5, 0.25
    )


def test_the_two_ways_of_tensors_are_one(paths):
    recipe = recipe_of(PIPELINE)
    by_torch = [PIPELINE[0], dict(PIPELINE[1], backend='torch')]
    tensors = compare_pixels(crop_of_tensors(recipe, PIPELINE), recipe, paths)
    assert compare_pixels(crop_by(by_torch), recipe, paths) == tensors
    assert 0 < tensors.share < 0.5 and tensors.share_above_1 < 0.01


def test_cv2_s_bicubic_is_another_filter(paths):
    recipe = recipe_of(PIPELINE)
    by_cv2 = [PIPELINE[0], dict(PIPELINE[1], backend='cv2')]
    assert compare_pixels(crop_by(by_cv2), recipe, paths).share_above_1 > 0.5
