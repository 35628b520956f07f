# Copyright (c) aemim_mm contributors. All rights reserved.
import random

import numpy as np
import pytest
import torch
from mmengine.runner import Runner

from aemim_mm.datasets.seeding import seed_generators


def draws():
    return (
        random.random(),
        float(np.random.rand()),
        float(torch.rand(1, dtype=torch.float64)),
    )


def test_all_three_generators_repeat():
    seed_generators(5, 1, 2)
    first = draws()
    seed_generators(5, 1, 2)
    assert draws() == first
    assert len(set(first)) == 3


def test_no_two_streams_collide():
    late = 10**6  # an iteration of a long run
    counts = [*range(6), *range(late, late + 6), 2**32]
    names = [(s, r, n) for s in range(6) for r in range(6) for n in counts]
    streams = set()
    for name in names:
        seed_generators(*name)
        streams.add(draws())
    assert len(streams) == len(names)
    for generator in zip(*streams, strict=True):
        assert len(set(generator)) == len(names)


@pytest.mark.parametrize('entropy', [(), (1, -1)])
def test_bad_entropy(entropy):
    with pytest.raises(ValueError, match='>= 0'):
        seed_generators(*entropy)


class Draws(torch.utils.data.Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return torch.tensor(draws(), dtype=torch.float64)


def test_workers_differ_by_epoch_and_repeat_by_seed():
    """Built as the Runner builds it, whose own worker_init_fn is constant."""
    loader = Runner.build_dataloader(
        dict(
            dataset=Draws(),
            sampler=dict(type='DefaultSampler', shuffle=False),
            batch_size=2,
            num_workers=2,
            worker_init_fn=dict(type='seed_worker'),
            collate_fn=dict(type='default_collate'),
        ),
        seed=0,
    )

    def epoch(*entropy):
        seed_generators(*entropy)
        return torch.cat(list(loader))

    first, second, again = epoch(0, 0, 0), epoch(0, 0, 1), epoch(0, 0, 0)
    assert torch.equal(first, again)
    # All draws of two workers in two epochs, by any of the generators.
    assert torch.cat([first, second]).unique().numel() == 24
