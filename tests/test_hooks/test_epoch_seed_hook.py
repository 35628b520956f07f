# Copyright (c) aemim_mm contributors. All rights reserved.
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import (
    EpochBasedTrainLoop,
    IterBasedTrainLoop,
    get_priority,
)

from aemim_mm.hooks.epoch_seed_hook import EpochSeedHook


def runner(epoch=0, rank=0, seed=0, loop=EpochBasedTrainLoop, iteration=0):
    return SimpleNamespace(
        seed=seed,
        rank=rank,
        epoch=epoch,
        iter=iteration,
        train_loop=loop.__new__(loop),
        train_dataloader=SimpleNamespace(
            num_workers=0, persistent_workers=False
        ),
        cfg=dict(randomness=dict(seed=seed)),
        logger=MagicMock(),
    )


def draw(**options):
    EpochSeedHook().before_train_epoch(runner(**options))
    return torch.rand(1).item()


def test_stream_is_a_function_of_seed_rank_and_epoch():
    assert draw(epoch=3, rank=1) == draw(epoch=3, rank=1, iteration=9)
    streams = [
        draw(epoch=epoch, rank=rank, seed=seed)
        for epoch in range(3)
        for rank in range(3)
        for seed in range(3)
    ]
    assert len(set(streams)) == 27


def test_resumed_iteration_based_run_does_not_start_over():
    loop = IterBasedTrainLoop
    assert draw(loop=loop) != draw(loop=loop, iteration=5)


def test_it_runs_before_hooks_that_may_draw():
    own = get_priority(EpochSeedHook().priority)
    assert own < get_priority('HIGH') < get_priority(Hook.priority)


@pytest.mark.parametrize(
    'workers, persistent, loop, warned',
    [
        (2, True, EpochBasedTrainLoop, True),
        (2, True, IterBasedTrainLoop, False),
        (2, False, EpochBasedTrainLoop, False),
        (0, False, EpochBasedTrainLoop, False),
    ],
)
def test_persistent_workers_are_warned_about(
    workers, persistent, loop, warned
):
    run = runner(loop=loop)
    run.train_dataloader.num_workers = workers
    run.train_dataloader.persistent_workers = persistent
    EpochSeedHook().before_train(run)
    messages = [call.args[0] for call in run.logger.warning.call_args_list]
    assert len(messages) == warned
    assert all('persistent_workers=False' in m for m in messages)


def test_missing_seed_is_warned_about():
    run = runner(seed=11)
    run.cfg = dict(randomness=dict(seed=None))
    EpochSeedHook().before_train(run)
    (message,) = run.logger.warning.call_args.args
    assert 'drew 11' in message and 'randomness.seed' in message
