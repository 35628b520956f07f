# Copyright (c) aemim_mm contributors. All rights reserved.
import os

import numpy as np
import pytest
from mmpretrain.registry import DATASETS
from PIL import Image

from aemim_mm.datasets import ImageFiles
from aemim_mm.datasets.image_files import READ_EXTENSIONS

LOAD = [dict(type='LoadImageOrSkip', test_mode=True)]


def write(path, colour=(200, 40, 90), size=(12, 8)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new('RGB', size, colour).save(path)


def names(dataset, root):
    paths = [dataset.get_data_info(i)['img_path'] for i in range(len(dataset))]
    return [path.removeprefix(f'{root}/') for path in paths]


def test_any_depth_any_name_any_format(tmp_path):
    files = [f'{i}/a b {i}{e}' for i, e in enumerate(READ_EXTENSIONS)]
    files += ['top.JPG', 'deep/er/and/deeper/ü.PNG']
    for name in files:
        write(tmp_path / name)
    dataset = DATASETS.build(
        dict(type='ImageFiles', data_root=str(tmp_path), pipeline=LOAD)
    )
    assert names(dataset, tmp_path) == sorted(files)
    for item in dataset:
        assert item['img'].shape == (8, 12, 3), item['img_path']
        # BGR; JPEG and WebP lose a little
        close = np.abs(item['img'][4, 6].astype(int) - [90, 40, 200]) <= 8
        assert close.all(), item['img_path']


def test_first_frame_of_an_animation(tmp_path):
    # a palette, as in animations of the web
    frames = [
        Image.new('RGB', (12, 8), colour).convert('P')
        for colour in ((255, 0, 0), (0, 0, 255))
    ]
    frames[0].save(tmp_path / 'a.gif', save_all=True, append_images=frames[1:])
    dataset = ImageFiles(str(tmp_path), pipeline=LOAD)
    assert (dataset[0]['img'][4, 6] == [0, 0, 255]).all()


def test_what_is_skipped_is_counted(tmp_path):
    write(tmp_path / 'a.png')
    write(tmp_path / '.hidden.png')
    write(tmp_path / '.folder/b.png')
    for name in ('x.txt', 'y.TXT', 'z.mov', 'README'):
        (tmp_path / name).touch()
    dataset = ImageFiles(str(tmp_path))
    assert names(dataset, tmp_path) == ['a.png']
    assert dataset.skipped == {
        'hidden': 2,
        '.txt': 2,
        '.mov': 1,
        'without an ending': 1,
    }
    assert dataset.summary == (
        f'1 images in {tmp_path}; skipped: 2 hidden, 2 .txt, 1 .mov, 1 '
        'without an ending'
    )


def test_a_folder_that_cannot_be_read_is_counted(tmp_path, monkeypatch):
    write(tmp_path / 'a.png')
    write(tmp_path / 'closed/b.png')
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith('closed'):  # root may read everything
            raise PermissionError(13, 'Permission denied', path)
        return scandir(path)

    monkeypatch.setattr(os, 'scandir', refuse)
    dataset = ImageFiles(str(tmp_path))
    assert names(dataset, tmp_path) == ['a.png']
    assert dataset.summary.endswith('skipped: 1 unreadable folders')


def test_links_are_followed_once(tmp_path):
    write(tmp_path / 'elsewhere/a.png')
    root = tmp_path / 'root'
    write(root / 'in/b.png')
    (root / 'link').symlink_to(tmp_path / 'elsewhere')
    (root / 'in/up').symlink_to(root)
    assert names(ImageFiles(str(root)), root) == ['in/b.png', 'link/a.png']


def test_a_text_file_of_paths(tmp_path):
    write(tmp_path / 'photos/a b.png')
    write(tmp_path / 'other/c.jpg')
    text = tmp_path / 'photos/list.txt'
    text.write_text(f'a b.png\n\n{tmp_path}/other/c.jpg\nnotes.md\n')
    dataset = ImageFiles(str(text))
    assert names(dataset, tmp_path) == ['photos/a b.png', 'other/c.jpg']
    assert dataset.skipped == {'.md': 1}


@pytest.mark.parametrize(
    ('root', 'error', 'message'),
    [
        ('', ValueError, 'data_root=PATH'),
        ('nowhere', FileNotFoundError, 'no folder or file .*nowhere'),
        ('empty', ValueError, 'holds no image.*skipped: 1 .mov'),
        ('short.txt', FileNotFoundError, '1 of the 1 images.*gone.png'),
        ('a.png', ValueError, 'is not a text file of paths'),
    ],
)
def test_bad_input(tmp_path, root, error, message):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'empty/x.mov').touch()
    (tmp_path / 'short.txt').write_text('gone.png\n')
    write(tmp_path / 'a.png')
    with pytest.raises(error, match=message):
        ImageFiles(str(tmp_path / root) if root else '')


def test_an_unreadable_image_is_named(tmp_path):
    (tmp_path / 'broken.webp').write_bytes(b'RIFF no image')
    with pytest.raises(OSError, match='broken.webp is unreadable'):
        ImageFiles(str(tmp_path), pipeline=LOAD)[0]
