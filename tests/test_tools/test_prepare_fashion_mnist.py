# Copyright (c) aemim_mm contributors. All rights reserved.
import gzip
import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest
from fashion_mnist_files import idx
from mmpretrain.registry import DATASETS
from tiny_run import ROOT, exit_code, load_tool

from aemim_mm.datasets import fashion_mnist
from aemim_mm.datasets.fashion_mnist import prepare_fashion_mnist


def bytes_of(values, *shape):
    return idx(np.array(values, np.uint8).reshape(shape))


FILES = {
    'train-images-idx3-ubyte': bytes_of(range(12), 3, 2, 2),
    'train-labels-idx1-ubyte': bytes_of([7, 8, 9], 3),
    't10k-images-idx3-ubyte': bytes_of(range(8), 2, 2, 2),
    't10k-labels-idx1-ubyte': bytes_of([5, 6], 2),
}


@pytest.fixture
def root(monkeypatch, tmp_path):
    """A folder to prepare: tiny files count as genuine, no way works."""
    sums = {k: hashlib.sha256(v).hexdigest() for k, v in FILES.items()}
    monkeypatch.setattr(fashion_mnist, 'CHECKSUMS', sums)

    def fail(folder):
        raise ConnectionError('not in a test')

    monkeypatch.setattr(fashion_mnist, 'WAYS', {'the way': fail})
    return tmp_path / 'data'


def write(folder, zipped=True, names=FILES):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        if zipped:
            (folder / f'{name}.gz').write_bytes(gzip.compress(FILES[name]))
        else:
            (folder / name).write_bytes(FILES[name])
    return str(folder)


@pytest.mark.parametrize('zipped', [True, False])
def test_existing_folder_loads_offline(root, zipped):
    write(root, zipped)
    assert prepare_fashion_mnist(str(root)) == str(root)
    settings = dict(type='FashionMNIST', data_root=str(root), pipeline=[])
    train = DATASETS.build(dict(settings, split='train', download=False))
    test = DATASETS.build(
        dict(settings, split='test', test_mode=True, download=False)
    )
    assert [int(train[i]['gt_label']) for i in range(3)] == [7, 8, 9]
    assert [int(test[i]['gt_label']) for i in range(2)] == [5, 6]
    assert train[2]['img'].tolist() == [[8, 9], [10, 11]]


def test_missing_files_come_from_the_next_way(root, monkeypatch):
    write(root, False, names=list(FILES)[:2])
    ways = dict(fashion_mnist.WAYS)
    ways['partial'] = lambda here: write(Path(here), names=list(FILES)[2:3])
    ways['whole'] = lambda here: write(Path(here))
    monkeypatch.setattr(fashion_mnist, 'WAYS', ways)
    prepare_fashion_mnist(str(root))
    assert {path.name for path in root.iterdir()} == set(FILES)
    for name, content in FILES.items():
        assert (root / name).read_bytes() == content


def test_failure_says_what_to_put_where(root):
    with pytest.raises(FileNotFoundError) as caught:
        prepare_fashion_mnist(str(root))
    message = str(caught.value)
    assert '  - the way: not in a test\n' in message
    assert f'Put these four files into {root}' in message
    for name in FILES:
        assert f'{name}.gz (or {name}, unpacked)' in message
    assert list(root.iterdir()) == []


@pytest.mark.parametrize('zipped', [True, False])
def test_foreign_file_is_refused_and_kept(root, zipped):
    write(root, zipped)
    path = root / ('t10k-labels-idx1-ubyte' + ('.gz' if zipped else ''))
    other = bytes_of([5, 7], 2)
    path.write_bytes(gzip.compress(other) if zipped else other)
    before = path.read_bytes()
    with pytest.raises(ValueError, match='t10k-labels.*checksum differs'):
        prepare_fashion_mnist(str(root))
    assert path.read_bytes() == before


def test_truncated_gzip_is_named(root):
    write(root)
    path = root / 'train-images-idx3-ubyte.gz'
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(ValueError, match='train-images.*gz is broken'):
        prepare_fashion_mnist(str(root))


def test_wrong_download_is_not_taken(root, monkeypatch):
    def wrong(here):
        write(Path(here))
        name = 'train-images-idx3-ubyte.gz'
        (Path(here) / name).write_bytes(gzip.compress(b'a web page'))
        return here

    monkeypatch.setattr(fashion_mnist, 'WAYS', {'wrong': wrong})
    with pytest.raises(FileNotFoundError, match='checksum differs'):
        prepare_fashion_mnist(str(root))
    assert list(root.iterdir()) == []


def test_tool(root, monkeypatch, capsys):
    tool = load_tool('prepare_fashion_mnist')
    assert tool.DEFAULT_ROOT == ROOT / 'data' / 'fashion_mnist'
    monkeypatch.setattr(sys, 'argv', ['tool', str(root)])
    assert exit_code(tool.main) == 2
    assert 'Put these four files' in capsys.readouterr().err
    write(root)
    assert tool.main() == 0
    assert capsys.readouterr().out == f'{root}\n'
