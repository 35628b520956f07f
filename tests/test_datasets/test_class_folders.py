# Copyright (c) aemim_mm contributors. All rights reserved.
import os

import pytest
from variant_trees import write_tree

from aemim_mm.datasets.class_folders import flat_images, scan_class_folders


def test_takes_images_and_passes_over_the_rest(tmp_path):
    files = ['README.txt', 'flat.jpg', '.git/a.jpg', '__MACOSX/b/._1.jpg']
    files += ['b/2.PNG', 'b/1.JPEG', 'b/._1.JPEG', 'b/notes.txt', 'a/x.jpeg']
    root = write_tree(tmp_path, files)
    os.makedirs(tmp_path / 'empty')
    assert scan_class_folders(root) == {
        '__MACOSX': [],
        'a': ['x.jpeg'],
        'b': ['1.JPEG', '2.PNG'],
        'empty': [],
    }
    assert flat_images(root) == ['flat.jpg']


def test_follows_links(tmp_path):
    write_tree(tmp_path, ['real/1.jpg'])
    os.makedirs(tmp_path / 'tree' / 'b')
    os.symlink(tmp_path / 'real', tmp_path / 'tree' / 'a')
    os.symlink(tmp_path / 'real' / '1.jpg', tmp_path / 'tree' / 'b' / '2.jpg')
    found = scan_class_folders(tmp_path / 'tree')
    assert found == {'a': ['1.jpg'], 'b': ['2.jpg']}


def test_one_level_too_high(tmp_path):
    root = write_tree(tmp_path, ['imagenet-a/n01498041/1.jpg'])
    with pytest.raises(
        ValueError, match='n01498041 holds images, but at another depth'
    ):
        scan_class_folders(root)


def test_no_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match='there is no folder .*gone'):
        scan_class_folders(str(tmp_path / 'gone'))
