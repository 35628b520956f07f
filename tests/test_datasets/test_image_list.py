# Copyright (c) aemim_mm contributors. All rights reserved.
from functools import partial

import pytest
from variant_trees import write_tree

from aemim_mm.datasets.folder_labels import imagenet_labels
from aemim_mm.datasets.image_list import read_image_list


@pytest.fixture
def read(tmp_path):
    files = ['n12144580/a b.JPEG', 'n01440764/1.JPEG', 'flat.jpg']
    files += ['val/n01440764/4.JPEG']
    root = write_tree(tmp_path / 'val', files)

    def call(text):
        path = tmp_path / 'list.txt'
        path.write_text(text)
        labels = partial(imagenet_labels, root=root)
        return read_image_list(str(path), root, 1000, labels)

    return call


def test_order_and_labels_of_the_list(read):
    text = 'n12144580/a b.JPEG 987\n\nn01440764/1.JPEG 0\r\nflat.jpg 5'
    assert read(text) == [
        ('n12144580/a b.JPEG', 987),
        ('n01440764/1.JPEG', 0),
        ('flat.jpg', 5),
    ]


@pytest.mark.parametrize(
    'text, error, message',
    [
        ('flat.jpg\n', ValueError, 'line 1: .* is not "path label"'),
        ('flat.jpg -1', ValueError, 'line 1: .* is not "path label"'),
        ('\nflat.jpg 1000', ValueError, 'line 2: label 1000, but .* 1000'),
        ('flat.jpg 1\nflat.jpg 2', ValueError, 'line 2: flat.jpg is named'),
        # Number 449 of the devkit's ids is this class's.
        ('n01440764/1.JPEG 449', ValueError, '1.JPEG 449, but .* is 0'),
        ('val/n01440764/4.JPEG 449', ValueError, '4.JPEG 449, but .* is 0'),
        (
            'flat.jpg 1\nn01440764/2.JPEG 0\nn01440764/3.JPEG 0',
            FileNotFoundError,
            '2 of the 3 images .* the first is n01440764/2.JPEG',
        ),
    ],
)
def test_bad_lists(read, text, error, message):
    with pytest.raises(error, match=message):
        read(text)


def test_no_list(tmp_path):
    with pytest.raises(FileNotFoundError, match='no list of images .*gone'):
        read_image_list(str(tmp_path / 'gone'), str(tmp_path), 1000, dict)
