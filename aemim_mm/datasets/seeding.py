# Copyright (c) aemim_mm contributors. All rights reserved.
"""Seeding of the random generators that a training run draws from."""

import random
import warnings

import numpy as np
import torch
from mmengine.registry import FUNCTIONS


def seed_generators(*entropy: int) -> None:
    """Seed Python's, numpy's and torch's default generators.

    The integers are mixed by ``numpy.random.SeedSequence``, so that
    neighbouring tuples, for example (seed 0, rank 1) and (seed 1, rank 0),
    give unrelated streams, which a sum of them would not.

    Args:
        *entropy (int): One or more integers >= 0 that name the stream. Their
            order matters.

    Raises:
        ValueError: If no integer or a negative one is given.
    """
    if not entropy or any(value < 0 for value in entropy):
        raise ValueError(
            'The random generators are seeded from one or more integers '
            f'>= 0, but got {entropy}.'
        )
    state = np.random.SeedSequence(entropy).generate_state(4, np.uint64)
    random.seed(int(state[0]))
    np.random.seed(state[1:3].view(np.uint32))
    # Seeds the CPU and every accelerator.
    torch.manual_seed(int(state[3]))


# In mmengine's own registry: `Runner.build_dataloader` looks functions up
# there and does not descend into the registries of other packages.
@FUNCTIONS.register_module()
def seed_worker(
    worker_id: int, disable_subprocess_warning: bool = False
) -> None:
    """Seed a worker process of a data loader for the epoch it serves.

    torch gives every worker the seed ``base_seed + worker_id`` and draws
    ``base_seed`` from the main process each time the loader is iterated.
    With :class:`EpochSeedHook` that draw is a function of (seed, rank,
    epoch), hence so are the augmentations. mmengine's default
    ``worker_init_fn`` replaces that seed by a constant: workers that are
    started anew for every epoch then repeat the same augmentations in all
    of them.

    Use it in a config as
    ``train_dataloader = dict(worker_init_fn=dict(type='seed_worker'), ...)``
    together with ``persistent_workers=False``, and with
    :class:`EpochSeedHook` or ``randomness=dict(diff_rank_seed=True)``. Without
    either, ``base_seed`` is the same on all ranks of a distributed run, and
    they all draw the same augmentations: never use it so.

    Args:
        worker_id (int): Index of the worker, given by torch.
        disable_subprocess_warning (bool): Whether to silence warnings in all
            workers but the first. Defaults to False.
    """
    seed_generators(torch.initial_seed())
    if disable_subprocess_warning and worker_id != 0:
        warnings.simplefilter('ignore')
