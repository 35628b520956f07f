# Copyright (c) aemim_mm contributors. All rights reserved.
"""Folders and lists of images."""

import os
from pathlib import Path

import torch
from test_bad_inputs.table import (
    Row,
    checkpoint,
    image_files,
    pretraining,
    write_images,
)


def train(root, make=lambda folder: None, workers=0):
    """Pre-train on a folder or a list."""

    def arrange(folder):
        loader = {'train_dataloader.num_workers': workers}
        config = pretraining(folder, image_files(root) | loader)
        make(folder)
        return [config, '--work-dir', 'out']

    return arrange


def extract(root, make=lambda folder: None):
    """Extract the features of a folder or a list."""

    def arrange(folder):
        torch.save(checkpoint(), 'a.pth')
        make(folder)
        return ['a.pth', root, '--out', 'f.npz', '--workers', 0]

    return arrange


def annotated(text):
    """Pre-train on the lines of an annotation file."""

    def arrange(folder):
        path = folder / 'ann.txt'
        path.write_text(text)
        key = 'train_dataloader.dataset.ann_file'
        return [pretraining(folder, {key: str(path)}), '--work-dir', 'out']

    return arrange


def unreadable(folder):
    (folder / 'bad').mkdir()
    for index in range(12):
        (folder / 'bad' / f'{index:02d}.png').touch()


def one(folder):
    write_images(folder / 'one', 1)


def without_encoding(folder):
    write_images(folder / 'names', 4)
    os.rename(b'names/a/00.png', b'names/a/\xff\xfe.png')


def umlauts(folder):
    write_images(folder / 'names', 4)
    os.rename('names/a/00.png', 'names/a/\xd6 l.png')


def folders(number):
    def make(folder):
        for index in range(number):
            (folder / 'many' / str(index)).mkdir(parents=True)

    return make


def lines(text, encoding='utf-8'):
    return lambda folder: Path('list.txt').write_bytes(text.encode(encoding))


EMPTY = 'many holds no image. Its name would end in'
ROWS = [
    Row(
        'no folder to train on',
        'train',
        train('nowhere'),
        ('data_root: "nowhere" does not exist', '--cfg-options'),
    ),
    Row(
        'an empty folder to train on',
        'train',
        train('many', lambda folder: Path('many').mkdir()),
        ('train_dataloader.dataset', EMPTY),
    ),
    Row('empty folders', 'train', train('many', folders(100)), (EMPTY,)),
    Row(
        'very many empty folders',
        'train',
        train('many', folders(100000)),
        (EMPTY,),
        slow=True,
    ),
    Row('one image to train on', 'train', train('one', one)),
    Row(
        'no image that can be read',
        'train',
        train('bad', unreadable),
        ('10 unreadable images in a row', 'bad/', 'the file is empty'),
    ),
    Row(
        'no image that a worker can read',
        'train',
        train('bad', unreadable, workers=1),
        ('error: 10 unreadable images in a row', 'bad/'),
    ),
    Row('names of no encoding', 'train', train('names', without_encoding)),
    Row('names with umlauts', 'train', train('names', umlauts)),
    Row(
        'a list of missing images',
        'train',
        train('list.txt', lines('x.png\ny.png\n')),
        ('2 of the 2 images that list.txt names', 'x.png'),
    ),
    Row(
        'a list without lines',
        'train',
        train('list.txt', lines('\n\n')),
        ('list.txt holds no image',),
    ),
    Row(
        'a list in UTF-16',
        'train',
        train('list.txt', lines('x.png', 'utf-16')),
        ('list.txt is not a text file of paths',),
    ),
    Row(
        'an image for a folder',
        'train',
        train('images/a/00.png'),
        ('images/a/00.png is not a text file', 'Give a folder'),
    ),
    Row(
        'a device for a folder',
        'train',
        train('/dev/null'),
        ('no folder or file /dev/null',),
    ),
    Row(
        'annotations of missing images',
        'train',
        annotated('x.png\ny.png\n'),
        ('x.png',),
    ),
    Row(
        'annotations without a line',
        'train',
        annotated(''),
        ('ann.txt', 'holds no image'),
    ),
    Row(
        'no folder to extract from',
        'extract_features',
        extract('nowhere'),
        ('there is no folder or file nowhere',),
    ),
    Row(
        'no image to extract from',
        'extract_features',
        extract('bad', unreadable),
        ('no image of bad can be read', 'bad/00.png is unreadable'),
    ),
    Row(
        'features of names of no encoding',
        'extract_features',
        extract('names', without_encoding),
    ),
    Row('features of one image', 'extract_features', extract('one', one)),
]
