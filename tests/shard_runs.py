# Copyright (c) aemim_mm contributors. All rights reserved.
"""WebDataset shards of numbered images, and one rank that reads them."""

import io
import tarfile

import pytest
import torch
import torch.distributed as dist
from mmpretrain.registry import DATASETS
from PIL import Image
from torch.utils.data import DataLoader

from aemim_mm.datasets import TimmStream

# Shards of unequal length: nothing comes out even.
LENGTHS = (3, 5, 1, 4, 2)
SPLIT = 'photos-{000..004}.tar'


def write_shards(folder, labelled=True):
    """15 images; their number is their colour."""
    number = 0
    for shard, length in enumerate(LENGTHS):
        with tarfile.open(folder / f'photos-{shard:03d}.tar', 'w') as tar:
            for _ in range(length):
                content = io.BytesIO()
                Image.new('RGB', (8, 6), (number, 0, 200)).save(content, 'PNG')
                add(tar, f'{number:04d}.png', content.getvalue())
                if labelled:
                    add(tar, f'{number:04d}.cls', str(number % 3).encode())
                number += 1
    return str(folder)


def add(tar, name, content):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def stream(root, **options):
    options = {'num_samples': sum(LENGTHS), 'passes': 1, **options}
    return TimmStream('wds/photos', root, SPLIT, (), **options)


def numbers(dataset, workers=0):
    """The numbers of the images, by their red channel."""
    loader = DataLoader(
        dataset, batch_size=2, num_workers=workers, collate_fn=list
    )
    return [int(d['img'][0, 0, 2]) for batch in loader for d in batch]


def read_as_rank(rank, root, folder):
    """Three passes by two workers; the numbers go to ``rank{RANK}.pt``."""
    dist.init_process_group(
        'gloo', f'file://{folder}/store', rank=rank, world_size=2
    )
    found = numbers(stream(root, passes=3), workers=2)
    torch.save(found, f'{folder}/rank{rank}.pt')
    with pytest.raises(ValueError, match='one process'):
        DATASETS.build(dict(type='TimmDataset', name='wds/x', passes=1))
    dist.destroy_process_group()
