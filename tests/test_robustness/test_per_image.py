# Copyright (c) aemim_mm contributors. All rights reserved.
import json

import numpy as np
import pytest
from result_files import write

from aemim_mm.robustness.per_image import PerImageResults, read_per_image


def read(path):
    return read_per_image(json.loads(path.read_text()), path.parent)


def test_read(tmp_path):
    cells = {'imagenet': [1, 0, 1], 'c/fog/3': [0, 0, 1]}
    path = write(tmp_path, {}, per_image=cells, sha256='abc')
    found = read(path)
    assert {k: v.correct.tolist() for k, v in found.items()} == cells
    assert {v.images for v in found.values()} == {'abc'}


def test_not_there(tmp_path):
    path = write(tmp_path, {}, per_image={'v2': [1]})
    (tmp_path / 'per_image.npz').unlink()
    assert read(path) == {}
    assert read_per_image({}, tmp_path) == {}


@pytest.mark.parametrize('content', ['no arrays', 'an array alone'])
def test_broken(tmp_path, content):
    path = write(tmp_path, {}, per_image={'v2': [1]})
    (tmp_path / 'per_image.npz').write_text(content)
    if content == 'an array alone':
        with open(tmp_path / 'per_image.npz', 'wb') as file:
            np.save(file, np.zeros(3))
    with pytest.raises(ValueError, match='Move it away'):
        read(path)


def test_same_images():
    one = PerImageResults('a', np.array([1, 0, -1], np.int8))
    assert one.same_images(PerImageResults('a', np.array([0, 0, -1], np.int8)))
    assert not one.same_images(PerImageResults('b', one.correct))
    assert not one.same_images(
        PerImageResults('a', np.array([1, -1, 0], np.int8))
    )
    assert not one.same_images(PerImageResults('a', np.array([1, 0], np.int8)))
