# Copyright (c) aemim_mm contributors. All rights reserved.
"""Height first, as in a backbone's ``img_size``."""

import numpy as np
import pytest
from mmpretrain.registry import TRANSFORMS


def image(height, width):
    """Rows say where they are in the first channel, columns in the second."""
    rows = np.linspace(0, 255, height).round()[:, None]
    columns = np.linspace(0, 255, width).round()[None]
    planes = np.broadcast_arrays(rows, columns, 0)
    return np.stack(planes, -1).astype(np.uint8)


@pytest.mark.parametrize(
    ('img_size', 'shape', 'rows', 'columns'),
    [
        # the centre: 224 / 256 of the shorter side
        (32, (32, 32), (16, 239), (71, 184)),
        ((64, 64), (64, 64), (16, 239), (71, 184)),
        # the whole
        ((32, 64), (32, 64), (0, 255), (0, 255)),
        ((64, 32), (64, 32), (0, 255), (0, 255)),
    ],
)
def test_what_the_encoder_sees(img_size, shape, rows, columns):
    fit = TRANSFORMS.build(dict(type='FitToEncoder', img_size=img_size))
    results = fit(dict(img=image(100, 200)))
    seen = results['img']
    assert seen.shape == (*shape, 3) and results['img_shape'][:2] == shape
    edges = [*seen[[0, -1], 0, 0], *seen[0, [0, -1], 1]]
    np.testing.assert_allclose(edges, [*rows, *columns], atol=8)


def test_the_whole_short_side():
    fit = TRANSFORMS.build(
        dict(type='FitToEncoder', img_size=32, crop_ratio=1.0)
    )
    seen = fit(dict(img=image(100, 200)))['img']
    np.testing.assert_allclose(seen[[0, -1], 0, 0], [0, 255], atol=6)
