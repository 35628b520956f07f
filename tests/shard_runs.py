# Copyright (c) aemim_mm contributors. All rights reserved.
"""WebDataset shards of numbered images, and one rank that reads them."""

import importlib.machinery
import io
import sys
import tarfile
import types
from unittest import mock

import pytest
import torch
import torch.distributed as dist
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset

from aemim_mm.datasets import TimmStream, timm_dataset

# Shards of unequal length: nothing comes out even.
LENGTHS = (3, 5, 1, 4, 2)
SPLIT = 'photos-{000..004}.tar'
PARTS = ('distributed', 'splits')


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


class Passes(IterableDataset):
    """Three passes of a stream, each worker's part."""

    def __init__(self, dataset):
        self.dataset = dataset

    def __iter__(self):
        for count in range(3):
            yield from self.dataset.one_pass(count)


class HubStream(list):
    """The streams of the package datasets, as far as timm reads them."""

    set_epoch = shuffle = lambda self, *args, **kwargs: self


def hub_stream(**options):
    """15 images of a stand-in for Hugging Face's hub, by timm's reader."""
    hub = types.ModuleType('datasets')
    hub.__spec__ = importlib.machinery.ModuleSpec('datasets', None)
    hub.IterableDataset = HubStream
    images = [Image.new('RGB', (8, 6), (i, 0, 200)) for i in range(15)]
    samples = HubStream(dict(image=image, label=0) for image in images)
    info = types.SimpleNamespace(splits={}, features=None)
    hub.load_dataset_builder = lambda *args, **kwargs: types.SimpleNamespace(
        info=info, as_streaming_dataset=lambda split: samples
    )
    parts = {name: types.ModuleType(f'datasets.{name}') for name in PARTS}
    parts['distributed'].split_dataset_by_node = (
        lambda stream, rank, world_size: HubStream(stream[rank::world_size])
    )
    parts['splits'].SplitInfo = type('SplitInfo', (), {})
    modules = {f'datasets.{name}': part for name, part in parts.items()}
    with mock.patch.dict(sys.modules, {'datasets': hub, **modules}):
        return timm_dataset('hfids/photos', num_samples=15, **options)


def read_as_rank(rank, root, folder):
    """Three passes by two workers; the numbers go to ``rank{RANK}.pt``.

    As in the tools, the data sets are older than the group of processes.
    """
    endless, once = stream(root, passes=None), stream(root)
    hub = hub_stream(shuffle=False)
    dist.init_process_group(
        'gloo', f'file://{folder}/store', rank=rank, world_size=2
    )
    found = dict(wds=numbers(Passes(endless), workers=2))
    found['hfids'] = numbers(Passes(hub))
    torch.save(found, f'{folder}/rank{rank}.pt')
    with pytest.raises(ValueError, match='one process'):
        next(iter(once))
    dist.destroy_process_group()
