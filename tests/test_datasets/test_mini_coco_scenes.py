# Copyright (c) aemim_mm contributors. All rights reserved.
import math
import sys

import numpy as np
import pytest

from aemim_mm.datasets import _mini_coco_scenes as scenes
from aemim_mm.datasets._mini_coco_scenes import CLASSES, paint_scene

pytest.importorskip('skimage')

SIZE = (112, 80)  # width, height
# Share of its circumscribed circle that a regular polygon fills.
SHARES = {
    'circle': 1,
    'square': 2 / math.pi,
    'triangle': 3 * math.sqrt(3) / 4 / math.pi,
}


def scene(seed, size=SIZE):
    return paint_scene(np.random.default_rng(seed), *size)


def show(monkeypatch, photograph):
    """Let all photographs be this one, and textures all white."""
    white = np.full((200, 200), 255, np.uint8)

    def load(name):
        return white if name in scenes.TEXTURES else photograph

    monkeypatch.setattr(scenes, 'load_photograph', load)


@pytest.mark.parametrize('seed', range(12))
def test_masks_are_the_painted_pixels(monkeypatch, seed):
    """One colour per object, by which the picture itself tells the masks."""
    show(monkeypatch, np.full((300, 400, 3), 128, np.uint8))
    image, objects = scene(seed)
    colours = []
    painted = np.zeros(image.shape[:2], int)
    for item in objects:
        assert item.mask.dtype == bool and item.mask.any()
        (colour,) = np.unique(image[item.mask], axis=0)
        colours.append(tuple(colour))
        painted += item.mask
    assert len(set(colours)) == len(objects)
    assert painted.max() == 1
    assert ((image != 128).any(axis=2) == (painted == 1)).all()


def test_labels_are_those_of_the_shapes():
    seen = set()
    for seed in range(30):
        item = scene(seed, (448, 320))[1][-1]  # nothing covers the last one
        rows, columns = np.nonzero(item.mask)
        far = np.hypot(rows - rows.mean(), columns - columns.mean()).max()
        share = item.mask.sum() / (math.pi * far**2)
        name = CLASSES[item.label]
        assert share == pytest.approx(SHARES[name], rel=0.06), name
        seen.add(name)
    assert seen == set(CLASSES)


def test_objects_stay_visible_and_within_the_picture():
    # The smallest shape, a triangle, less what may be hidden of it; pixels
    # are counted, so one row less at each edge.
    radius = 0.12 * min(SIZE)
    least = 0.6 * SHARES['triangle'] * math.pi * (radius - 1) ** 2
    counts = set()
    for seed in range(60):
        _, objects = scene(seed)
        counts.add(len(objects))
        for item in objects:
            assert item.mask.sum() >= least
            # A shape that the edge cuts would touch it with many pixels.
            border = np.r_[
                item.mask[0].sum(),
                item.mask[-1].sum(),
                item.mask[:, 0].sum(),
                item.mask[:, -1].sum(),
            ]
            assert border.max() <= 8
    assert counts == {1, 2, 3, 4, 5}


def test_the_generator_decides():
    first, second, other = scene(3), scene(3), scene(4)
    assert np.array_equal(first[0], second[0])
    for a, b in zip(first[1], second[1], strict=True):
        assert a.label == b.label and np.array_equal(a.mask, b.mask)
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize('name', scenes.PHOTOGRAPHS + scenes.TEXTURES)
def test_pictures_come_with_scikit_image(name):
    picture = scenes.load_photograph(name)
    colour = (3,) if name in scenes.PHOTOGRAPHS else ()
    assert picture.dtype == np.uint8 and picture.shape[2:] == colour
    assert min(picture.shape[:2]) >= 300
    assert picture.std() > 10


def test_backgrounds_are_cut_from_photographs(monkeypatch):
    """Columns of a ramp: the part has its slope, mirrored or not."""
    ramp = np.tile(np.arange(250, dtype=np.uint8)[:, None], (200, 1, 3))
    show(monkeypatch, ramp)
    signs = set()
    for seed in range(8):
        image, objects = scene(seed)
        free = ~np.any([item.mask for item in objects], axis=0)
        row = free.all(axis=1).argmax()
        assert free[row].all()
        steps = np.diff(image[row, :, 0].astype(int))
        signs.add(np.sign(steps.sum()))
        # 112 columns show 50 to 100 % of the 250.
        assert 0.5 * 220 / 112 <= abs(steps.mean()) <= 250 / 111
    assert signs == {-1, 1}


def test_missing_scikit_image_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'skimage', None)
    scenes.load_photograph.cache_clear()
    with pytest.raises(ImportError, match='make install-det'):
        scenes.load_photograph('coffee')
