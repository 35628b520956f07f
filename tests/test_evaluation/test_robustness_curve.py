# Copyright (c) aemim_mm contributors. All rights reserved.
import math

import numpy as np
import pytest
import torch

from aemim_mm.evaluation import GRID, MinimalEpsilons

FOUND = MinimalEpsilons(
    torch.tensor([2, 5, 7, 8]),
    torch.tensor([0, 2 / 255, 0.03, math.inf], dtype=torch.float64),
)


def test_grid():
    assert len(GRID) == 15 and list(GRID) == sorted(GRID)
    assert GRID[0] == 0 and GRID[4] == 0.002
    assert GRID[-1] == 8 / 255 and 1 / 255 in GRID


def test_curve_counts_what_needs_more():
    # The budget itself fools the image: 2/255 is not above 2/255.
    epsilons = [0, 0.007, 2 / 255, 0.03, 1]
    assert FOUND.curve(epsilons) == [75, 75, 50, 25, 25]


def test_file_and_back(tmp_path):
    path = tmp_path / 'new' / 'minimal.npz'
    FOUND.save(path, ['a.JPEG', 'b.JPEG', 'c.JPEG', 'd.JPEG'])
    with np.load(path) as arrays:
        assert arrays['index'].tolist() == [2, 5, 7, 8]
        assert arrays['epsilon'].tolist() == [0, 2 / 255, 0.03, math.inf]
        assert arrays['image'].tolist()[1] == 'b.JPEG'
    again = MinimalEpsilons.load(path)
    assert torch.equal(again.indices, FOUND.indices)
    assert torch.equal(again.epsilons, FOUND.epsilons)
    # Nothing else is left in the folder.
    assert [p.name for p in path.parent.iterdir()] == ['minimal.npz']


def test_names_for_all_images(tmp_path):
    with pytest.raises(ValueError, match='1 names for 4 images'):
        FOUND.save(tmp_path / 'minimal.npz', ['a'])
    FOUND.save(tmp_path / 'minimal.npz')
    with np.load(tmp_path / 'minimal.npz') as arrays:
        assert sorted(arrays) == ['epsilon', 'index']


def test_other_files(tmp_path):
    with pytest.raises(FileNotFoundError):
        MinimalEpsilons.load(tmp_path / 'missing.npz')
    np.savez(tmp_path / 'other.npz', index=np.zeros(2))
    np.save(tmp_path / 'array.npy', np.zeros(2))
    (tmp_path / 'text.npz').write_text('no archive')
    (tmp_path / 'broken.npz').write_bytes(b'PK\x03\x04 no archive')
    for name in ('other.npz', 'array.npy', 'text.npz', 'broken.npz'):
        with pytest.raises(ValueError, match=f'{name} is not a file of min'):
            MinimalEpsilons.load(tmp_path / name)
