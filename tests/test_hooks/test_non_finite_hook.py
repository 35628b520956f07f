# Copyright (c) aemim_mm contributors. All rights reserved.
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import find_latest_checkpoint
from torch.multiprocessing import start_processes

from aemim_mm.checkpoints import load_checkpoint_file
from aemim_mm.hooks import NonFiniteLossHook

_NAN = torch.tensor(float('nan'))
_INF = torch.tensor(float('inf'))
_ONE = torch.tensor(1.0)


def _runner(**kwargs):
    """What the hook asks of a runner."""
    values = dict(
        iter=0,
        epoch=0,
        max_iters=100,
        hooks=[],
        message_hub=SimpleNamespace(runtime_info={}),
    )
    return SimpleNamespace(**{**values, **kwargs})


def _feed(hook, steps, start=0):
    """Feed outputs step by step; the number of steps survived."""
    runner = _runner()
    hook.before_train(runner)
    for step, outputs in enumerate(steps):
        runner.iter = start + step
        try:
            hook.after_train_iter(runner, step, outputs=outputs)
        except FloatingPointError as error:
            return step, str(error)
    return len(steps), ''


def test_first_bad_step_is_named_at_the_next_reading():
    steps = [dict(loss=_ONE, loss_adv=_ONE, other=_ONE) for _ in range(10)]
    steps[2] = dict(loss=_INF, loss_adv=_INF, other=_NAN)
    steps[3] = dict(loss=_NAN, loss_adv=_NAN, other=_NAN)
    survived, message = _feed(NonFiniteLossHook(interval=5), steps)
    assert survived == 4
    assert 'in iteration 3 (epoch 1): loss, loss_adv, other.' in message
    for remedy in ('learning rate', 'bfloat16', 'clip_grad'):
        assert remedy in message
    assert 'no checkpoint' in message


@pytest.mark.parametrize('start', [10**6, 2**24, 2**31])
def test_steps_are_counted_exactly_in_long_runs(start):
    """float32 has no 2**24 + 1, and int32 no 2**31."""
    steps = [dict(loss=value) for value in (_ONE, _NAN, _NAN)]
    hook = NonFiniteLossHook(interval=1)
    survived, message = _feed(hook, steps, start)
    assert survived == 1
    assert f'in iteration {start + 2} (epoch 1): loss.' in message


def test_only_what_was_bad_in_that_step_is_named():
    steps = [dict(loss=_ONE, loss_a=_ONE, loss_b=_ONE)] * 2
    steps.append(dict(loss=_NAN, loss_a=_ONE, loss_b=_NAN))
    steps.append(dict(loss=_NAN, loss_a=_NAN, loss_b=_NAN))
    _, message = _feed(NonFiniteLossHook(interval=4), steps)
    assert 'iteration 3 (epoch 1): loss, loss_b.' in message


def test_other_outputs_do_not_stop_the_run():
    steps = [dict(loss=_ONE, distance=_NAN)] * 4
    assert _feed(NonFiniteLossHook(interval=1), steps) == (4, '')


def test_outputs_that_change_or_are_no_tensors():
    steps = [
        None,
        {},
        dict(loss=_ONE, text='x'),
        dict(loss_a=_NAN),
        dict(loss=_ONE),
    ]
    survived, message = _feed(NonFiniteLossHook(interval=5), steps)
    assert survived == 4
    assert 'iteration 4 (epoch 1): loss_a.' in message


@pytest.mark.parametrize('value', [float('nan'), float('inf'), -float('inf')])
def test_one_of_several_values(value):
    steps = [dict(loss=_ONE, loss_parts=torch.tensor([[1.0, value, -2.0]]))]
    survived, message = _feed(NonFiniteLossHook(1), steps)
    assert survived == 0 and 'iteration 1 (epoch 1): loss_parts.' in message
    others = torch.full((9,), 6e4).half(), torch.ones(2) > 0, torch.ones(0)
    steps = [{f'loss_{i}': other for i, other in enumerate(others)}]
    assert _feed(NonFiniteLossHook(1), steps) == (1, '')


def test_large_numbers_are_finite():
    value = torch.tensor(1e300, dtype=torch.float64)
    assert _feed(NonFiniteLossHook(1), [dict(loss=value)]) == (1, '')
    outputs = dict(loss=_ONE.half(), loss_sum=value, size=torch.tensor(3))
    assert _feed(NonFiniteLossHook(1), [outputs]) == (1, '')
    half = torch.tensor(7e4).half()
    assert _feed(NonFiniteLossHook(1), [dict(loss=half)])[0] == 0


def test_no_reading_between_the_intervals():
    hook, runner = NonFiniteLossHook(interval=10), _runner()
    outputs = dict(loss=torch.ones((), device='meta'))  # has no value
    for runner.iter in range(9):
        hook.after_train_iter(runner, 0, outputs=outputs)
    runner.iter = 9
    with pytest.raises(NotImplementedError):
        hook.after_train_iter(runner, 0, outputs=outputs)


def test_interval_of_the_logger(make_runner):
    hook = NonFiniteLossHook()
    hook.before_train(_runner())
    assert hook._every == 100
    runner = make_runner(
        default_hooks=dict(logger=dict(type='LoggerHook', interval=3))
    )
    hook.before_train(runner)
    assert hook._every == 3
    hook = NonFiniteLossHook(interval=7)
    hook.before_train(runner)
    assert hook._every == 7


@pytest.mark.parametrize('interval', [0, -1, 1.5, '10'])
def test_wrong_interval(interval):
    with pytest.raises(ValueError, match='positive number of steps or None'):
        NonFiniteLossHook(interval)


_STOCK = dict(type='CheckpointHook', max_keep_ckpts=1)


@pytest.mark.parametrize(
    'checkpoint, bad, last',
    [
        (dict(_STOCK, interval=1), (6,), 'epoch_1.pth'),
        (dict(_STOCK, interval=1), (8,), 'epoch_1.pth'),
        (dict(_STOCK, interval=2, by_epoch=False), (4,), 'iter_2.pth'),
        # Saved only because it is the last iteration.
        (dict(_STOCK, interval=7, by_epoch=False), (8,), 'iter_7.pth'),
        (
            dict(_STOCK, type='AtomicCheckpointHook', interval=1),
            (8,),
            'epoch_1.pth',
        ),
    ],
)
def test_last_good_checkpoint_stays_last(
    make_runner, tmp_path, checkpoint, bad, last
):
    runner = make_runner(
        checkpoint=checkpoint,
        hooks=[dict(type='NonFiniteLossHook', interval=1000)],
        model=dict(bad=bad),
    )
    with pytest.raises(FloatingPointError) as error:
        runner.train()
    epoch = (bad[0] - 1) // 4 + 1
    assert (
        f'in iteration {bad[0]} (epoch {epoch}): loss, loss_fit, size.'
        in str(error.value)
    )
    assert f'resume from {tmp_path / last} with' in str(error.value)
    assert find_latest_checkpoint(str(tmp_path)) == str(tmp_path / last)
    weights = load_checkpoint_file(tmp_path / last)['state_dict']
    assert all(value.isfinite().all() for value in weights.values())
    assert [p.name for p in tmp_path.glob('*.pth')] == [last]


def test_other_code_cannot_save_after_a_bad_step(make_runner, tmp_path):
    class Save(Hook):
        def after_train_iter(self, runner, *args, **kwargs):
            name = f'mine_{runner.iter}.pth'
            runner.message_hub.update_info('last_ckpt', str(tmp_path / name))
            runner.save_checkpoint(str(tmp_path), name)

    runner = make_runner(
        hooks=[dict(type='NonFiniteLossHook', interval=1000)],
        model=dict(bad=(3,)),
    )
    runner.register_hook(Save())
    with pytest.raises(FloatingPointError, match='iteration 3') as error:
        runner.train()
    # Not mine_2.pth, which the runner has noted but not written.
    assert 'start again (no checkpoint)' in str(error.value)
    assert sorted(p.name for p in tmp_path.glob('*.pth')) == [
        'mine_0.pth',
        'mine_1.pth',
    ]


def _rank(rank, folder):
    torch.distributed.init_process_group(
        'gloo', f'file://{folder}/meet', rank=rank, world_size=2
    )
    # Rank 1 goes wrong in the sixth step, rank 0 one step later.
    steps = [dict(loss=_ONE)] * (6 - rank) + [{f'loss_{rank}': _NAN}] * 5
    step, message = _feed(NonFiniteLossHook(interval=4), steps)
    (folder / str(rank)).write_text(f'{step} {message}')
    torch.distributed.destroy_process_group()


def test_all_ranks_stop_together(tmp_path):
    start_processes(_rank, (tmp_path,), nprocs=2, start_method='fork')
    expected = '7 The loss became non-finite in iteration 6 (epoch 1): loss_1.'
    for rank in range(2):
        assert (tmp_path / str(rank)).read_text().startswith(expected)


@pytest.mark.parametrize('kind', ['CheckpointHook', 'AtomicCheckpointHook'])
@pytest.mark.parametrize(
    'checkpoint, bad, last',
    [
        (dict(interval=1), 8, 'epoch_1.pth'),
        (dict(interval=2, by_epoch=False), 4, 'iter_2.pth'),
    ],
)
def test_weights_that_the_last_update_made_bad_are_not_saved(
    make_runner, tmp_path, kind, checkpoint, bad, last
):
    class BadGradient(Hook):
        priority = 'VERY_HIGH'

        def after_train_iter(self, runner, *args, **kwargs):
            if runner.iter + 1 == bad:
                runner.model.backbone.fc.weight.data[0] = float('nan')

    runner = make_runner(
        checkpoint={**_STOCK, 'type': kind, **checkpoint},
        hooks=[dict(type='NonFiniteLossHook', interval=1000)],
    )
    runner.register_hook(BadGradient(), 'VERY_HIGH')
    runner.model.register_buffer('lowest', torch.tensor(-float('inf')))
    with pytest.raises(FloatingPointError) as error:
        runner.train()
    said = f'The weights became non-finite in iteration {bad} (epoch '
    assert said in str(error.value)
    assert 'backbone.fc.weight. ' in str(error.value)
    assert f'resume from {tmp_path / last} with' in str(error.value)
    assert [p.name for p in tmp_path.glob('*.pth')] == [last]
