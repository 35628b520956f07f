# Copyright (c) aemim_mm contributors. All rights reserved.
import os
import signal

import pytest
from interrupt_worker import stop_together
from mmengine.hooks import Hook
from mmengine.runner import find_latest_checkpoint
from states import assert_equal_states
from two_processes import run_in_two

from aemim_mm.checkpoints import load_checkpoint_file
from aemim_mm.hooks import InterruptHook
from aemim_mm_cli.interruption import TRY_AGAIN, Interrupted


@pytest.fixture(autouse=True)
def _handlers():
    numbers = signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


class Signal(Hook):
    """Raises a signal in an iteration."""

    def __init__(self, iteration, number=signal.SIGUSR1):
        self.iteration, self.number = iteration, number

    def after_train_iter(self, runner, *args, **kwargs):
        if runner.iter + 1 == self.iteration:
            signal.raise_signal(self.number)


def train(make_runner, work_dir, iteration=None, hook=None, **options):
    """Train; (exit code or None, the latest checkpoint or None)."""
    # Four iterations an epoch.
    runner = make_runner(work_dir, **options)
    hook = hook or InterruptHook()
    runner.register_hook(hook, hook.priority)
    if iteration is not None:
        runner.register_hook(Signal(iteration, hook.signal))
    code = None
    try:
        runner.train()
    except Interrupted as stop:
        code = stop.code
    latest = find_latest_checkpoint(str(work_dir))
    return code, latest and os.path.basename(latest)


EVERY_THREE = dict(type='AtomicCheckpointHook', interval=3)
BY_ITERATION = dict(EVERY_THREE, by_epoch=False)
FOUR_EPOCHS = dict(by_epoch=True, max_epochs=4)
TEN_STEPS = dict(by_epoch=False, max_iters=10)


@pytest.mark.parametrize(
    'iteration, grace, checkpoint, loop, expected',
    [
        # the end of the epoch is near
        (6, 60, EVERY_THREE, FOUR_EPOCHS, (TRY_AGAIN, 'epoch_2.pth')),
        # it is saved there in any case
        (10, 60, EVERY_THREE, FOUR_EPOCHS, (TRY_AGAIN, 'epoch_3.pth')),
        # too far: the iteration takes longer than is left
        (6, 1e-9, EVERY_THREE, FOUR_EPOCHS, (TRY_AGAIN, None)),
        # nothing is left to do after it
        (14, 60, EVERY_THREE, FOUR_EPOCHS, (None, 'epoch_4.pth')),
        (5, 60, BY_ITERATION, TEN_STEPS, (TRY_AGAIN, 'iter_5.pth')),
        (6, 60, BY_ITERATION, TEN_STEPS, (TRY_AGAIN, 'iter_6.pth')),
        (10, 60, BY_ITERATION, TEN_STEPS, (None, 'iter_10.pth')),
        # a checkpoint hook that would never save in this loop
        (6, 60, BY_ITERATION, FOUR_EPOCHS, (TRY_AGAIN, 'epoch_2.pth')),
        (None, 60, EVERY_THREE, FOUR_EPOCHS, (None, 'epoch_4.pth')),
    ],
)
def test_where_it_saves_and_stops(
    make_runner, tmp_path, iteration, grace, checkpoint, loop, expected
):
    found = train(
        make_runner,
        tmp_path,
        iteration,
        InterruptHook(grace=grace),
        checkpoint=checkpoint,
        train_cfg=loop,
    )
    assert found == expected


@pytest.mark.parametrize('kept', [1, -1])
def test_resumed_run_equals_one_that_was_not_stopped(
    make_runner, tmp_path, kept
):
    options = dict(
        checkpoint=dict(EVERY_THREE, max_keep_ckpts=kept),
        train_cfg=FOUR_EPOCHS,
        randomness=dict(seed=3),
    )
    train(make_runner, tmp_path / 'whole', **options)
    cut = tmp_path / 'cut'
    assert train(make_runner, cut, 7, **options)[0] == TRY_AGAIN
    assert train(make_runner, cut, resume=True, **options)[0] is None
    found, expected = (
        load_checkpoint_file(str(tmp_path / name / 'epoch_4.pth'))
        for name in ('cut', 'whole')
    )
    assert_equal_states(expected['state_dict'], found['state_dict'])
    if kept == 1:
        assert [p.name for p in cut.glob('*.pth')] == ['epoch_4.pth']


def test_of_the_other_checkpoints_none_is_forgotten(make_runner, tmp_path):
    """Those by iteration, in a run that is stopped after an epoch."""
    options = dict(
        checkpoint=dict(BY_ITERATION, max_keep_ckpts=2), train_cfg=FOUR_EPOCHS
    )
    train(make_runner, tmp_path, 6, **options)
    assert {path.name for path in tmp_path.glob('*.pth')} == {
        *('iter_3.pth', 'iter_6.pth', 'epoch_2.pth'),
    }
    train(make_runner, tmp_path, resume=True, **options)
    assert {path.name for path in tmp_path.glob('*.pth')} == {
        *('iter_15.pth', 'iter_16.pth', 'epoch_2.pth'),
    }


def test_another_signal(make_runner, tmp_path):
    before = signal.getsignal(signal.SIGUSR2)
    hook = InterruptHook(signal='SIGUSR2')
    found = train(make_runner, tmp_path / 'whole', None, hook)
    assert found == (None, 'epoch_2.pth')
    assert signal.getsignal(signal.SIGUSR2) == before
    found = train(make_runner, tmp_path / 'cut', 1, hook)
    assert found == (TRY_AGAIN, 'epoch_1.pth')


@pytest.mark.parametrize(
    'options, says',
    [
        (dict(signal='USR1'), "'USR1' is not a signal.*'SIGUSR1'"),
        (dict(grace=0), 'must be positive, but got 0 and None'),
        (dict(interval=0), 'must be positive, but got 120 and 0'),
    ],
)
def test_wrong_arguments(options, says):
    with pytest.raises(ValueError, match=says):
        InterruptHook(**options)


def test_processes_stop_together(tmp_path):
    run_in_two(stop_together, str(tmp_path))
