# Copyright (c) aemim_mm contributors. All rights reserved.
"""Real shards, over workers and two gloo ranks."""

import io
import json
import tarfile
from collections import Counter
from pathlib import Path

import pytest
import torch
from mmpretrain.registry import DATASETS
from PIL import Image
from shard_runs import (
    LENGTHS,
    add,
    numbers,
    read_as_rank,
    stream,
    write_shards,
)
from torch.utils.data import DataLoader
from two_processes import run_in_two

from aemim_mm.datasets import TimmImages


@pytest.fixture
def shards(tmp_path):
    pytest.importorskip('webdataset')
    return write_shards(tmp_path)


@pytest.mark.parametrize('workers', [0, 2, 5])
@pytest.mark.parametrize('shuffle', [True, False])
def test_every_image_once_in_a_pass(shards, workers, shuffle):
    found = numbers(stream(shards, shuffle=shuffle), workers)
    assert sorted(found) == list(range(15))
    assert (found == sorted(found)) == (not shuffle and workers == 0)


def test_passes_differ_and_repeat_with_the_seed(shards):
    found = numbers(stream(shards, passes=2))
    assert Counter(found) == dict.fromkeys(range(15), 2)
    assert found[:15] != found[15:]
    assert numbers(stream(shards, passes=2)) == found
    assert numbers(stream(shards, passes=2, seed=1)) != found


def test_labels_and_pixels(shards):
    for item in stream(shards, classes=['a', 'b', 'c']):
        blue, green, red = item['img'][0, 0]
        assert (blue, green) == (200, 0) and item['gt_label'] == red % 3
        assert item['img'].shape == (6, 8, 3) and item['img_shape'] == (6, 8)


def test_shards_without_labels(tmp_path):
    pytest.importorskip('webdataset')
    dataset = stream(write_shards(tmp_path, labelled=False))
    assert len(dataset) == 15
    items = list(dataset)
    assert len(items) == 15 and 'gt_label' not in items[0]


def test_the_info_file_says_the_length(shards, tmp_path):
    names = [f'photos-{i:03d}.tar' for i in range(5)]
    split = dict(
        name='train',
        num_samples=15,
        filenames=names,
        shard_lengths=list(LENGTHS),
    )
    info = json.dumps(dict(splits=dict(train=split)))
    (tmp_path / 'info.json').write_text(info)
    dataset = DATASETS.build(
        dict(type='TimmDataset', name='wds/photos', root=shards, passes=1)
    )
    assert len(dataset) == 15 and sorted(numbers(dataset)) == [*range(15)]
    assert dataset.summary == f'15 images in wds/photos {shards} (train)'


def test_fewer_shards_than_workers(shards):
    with pytest.raises(ValueError, match='5 shards are too few.*1 .* 6'):
        numbers(stream(shards), workers=6)


def test_no_image_in_a_shard(tmp_path):
    pytest.importorskip('webdataset')
    for shard in range(5):
        with tarfile.open(tmp_path / f'photos-{shard:03d}.tar', 'w') as tar:
            add(tar, 'a.txt', b'no image')
    with pytest.raises(ValueError, match='no readable image'):
        next(iter(stream(str(tmp_path), passes=None)))
    with pytest.raises(ValueError, match=r"didn't find \['jpg', 'png', 'we"):
        list(stream(str(tmp_path)))


def test_without_the_number_of_images(shards):
    with pytest.raises(ValueError, match='num_samples'):
        stream(shards, num_samples=None)


def test_a_data_set_with_an_index(tmp_path):
    for index in range(4):
        path = tmp_path / f'class{index % 2}/{index}.png'
        path.parent.mkdir(exist_ok=True)
        Image.new('RGB', (8, 6), (index, 0, 0)).save(path)
    dataset = DATASETS.build(
        dict(type='TimmDataset', name='', root=str(tmp_path), split='train')
    )
    assert isinstance(dataset, TimmImages) and len(dataset) == 4
    assert [dataset[i]['gt_label'] for i in range(4)] == [0, 0, 1, 1]
    assert [dataset[i]['img'][0, 0, 2] for i in range(4)] == [0, 2, 1, 3]


def test_a_damaged_file_is_replaced_in_training_alone(tmp_path):
    for index in range(2):
        Image.new('RGB', (8, 6)).save(tmp_path / f'{index}.png')
    (tmp_path / '1.png').write_bytes(b'no image')
    options = dict(type='TimmDataset', name='', root=str(tmp_path))
    assert DATASETS.build(options)[1]['img'].shape == (6, 8, 3)
    evaluated = DATASETS.build(dict(options, passes=1))
    assert evaluated[0]['img'].shape == (6, 8, 3)
    with pytest.raises(ValueError, match='image 1 of .* leaves none out'):
        evaluated[1]


@pytest.mark.slow
def test_two_ranks_share_every_pass(shards, tmp_path):
    run_in_two(read_as_rank, shards, str(tmp_path))
    ranks = [torch.load(tmp_path / f'rank{rank}.pt') for rank in (0, 1)]
    for kind in ('wds', 'hfids'):
        parts = [rank[kind] for rank in ranks]
        together = Counter(parts[0] + parts[1])
        assert together == dict.fromkeys(range(15), 3), kind
        assert all(parts)


@pytest.mark.parametrize(
    'workers, image, label',
    [(0, b'no image', b'0'), (2, b'no image', b'0'), (0, None, b'cat')],
)
def test_a_damaged_image_is_skipped_in_training_alone(
    shards, workers, image, label
):
    if image is None:
        file = io.BytesIO()
        Image.new('RGB', (8, 6)).save(file, 'PNG')
        image = file.getvalue()
    with tarfile.open(f'{shards}/photos-002.tar', 'a') as tar:
        add(tar, '0099.png', image)
        add(tar, '0099.cls', label)
    endless = stream(shards, passes=None)
    loader = DataLoader(endless, 1, num_workers=workers, collate_fn=list)
    batches = iter(loader)
    assert len([next(batches) for _ in range(16)]) == 16
    with pytest.raises(ValueError, match='cannot be read .* leaves none out'):
        numbers(stream(shards), workers)


def test_a_shard_that_is_cut_off_is_not_evaluated(shards):
    path = Path(shards, 'photos-001.tar')
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(ValueError, match='a shard, or an image in it, cann'):
        numbers(stream(shards))
