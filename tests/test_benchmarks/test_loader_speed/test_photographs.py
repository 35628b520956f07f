# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
from PIL import Image

from benchmarks.loader_speed.photographs import write_photographs

pytest.importorskip('skimage')


def test_same_arguments_give_the_same_files(tmp_path):
    sizes = [
        write_photographs(tmp_path / name, 6, seed)
        for name, seed in (('a', 0), ('b', 0), ('c', 1))
    ]
    first, same, other = (
        [path.read_bytes() for path in sorted((tmp_path / name).rglob('*.*'))]
        for name in 'abc'
    )
    assert first == same and len(first) == len(set(first + other)) / 2 == 6
    assert sizes[0] == sum(map(len, first))
    # ImageNet's have 110 kB.
    assert 60_000 < sizes[0] / 6 < 130_000
    found = {Image.open(path).size for path in (tmp_path / 'a').rglob('*.*')}
    assert found == {(500, 375), (375, 500)}
