# Copyright (c) aemim_mm contributors. All rights reserved.
import numpy as np
import pytest
from fashion_mnist_files import idx
from mmpretrain.registry import DATASETS
from PIL import Image

from aemim_mm.datasets.fashion_mnist_images import export_fashion_mnist


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / 'fashion_mnist'
    folder.mkdir()
    rng = np.random.default_rng(0)
    labels = np.array([9, 0, 9, 3], np.uint8)
    for split, first in (('train', 0), ('t10k', 100)):
        images = rng.integers(first, first + 99, (4, 28, 28)).astype(np.uint8)
        path = folder / f'{split}-images-idx3-ubyte'
        path.write_bytes(idx(images))
        path = folder / f'{split}-labels-idx1-ubyte'
        path.write_bytes(idx(labels[::-1] if split == 'train' else labels))
    return folder


def test_test_images_come_back_with_their_labels(root, tmp_path):
    out = tmp_path / 'val'
    assert export_fashion_mnist(str(root), str(out)) == 4
    test = dict(data_root=str(root), split='test', test_mode=True)
    original = DATASETS.build(dict(type='FashionMNIST', **test))
    written = DATASETS.build(
        dict(
            type='ImageNetVariant',
            data_root=str(out),
            class_file=str(out / 'classes.txt'),
        )
    )
    assert written.CLASSES[0] == 'T-shirt-top'
    assert written.CLASSES[9] == 'Ankle-boot'
    assert len(written) == 4
    for i in range(4):
        info = written.get_data_info(i)
        stem = info['img_path'].split('/')[-1].removesuffix('.png')
        expected = original.get_data_info(int(stem))
        assert info['gt_label'] == expected['gt_label']
        assert np.array_equal(Image.open(info['img_path']), expected['img'])
        assert expected['img'].min() >= 100


def test_what_is_there_stays(root, tmp_path):
    out = tmp_path / 'val'
    export_fashion_mnist(str(root), str(out))
    path = out / 'Dress' / '00003.png'
    path.write_bytes(b'kept')
    assert export_fashion_mnist(str(root), str(out)) == 4
    assert path.read_bytes() == b'kept'


def test_no_data(tmp_path):
    with pytest.raises(FileNotFoundError, match='prepare_fashion_mnist.py'):
        export_fashion_mnist(str(tmp_path / 'gone'), str(tmp_path / 'val'))
