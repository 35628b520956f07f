# Copyright (c) aemim_mm contributors. All rights reserved.
import os
from types import SimpleNamespace

import pytest
import torch
from killed_runs import MOMENTS, train_killed
from mmengine.hooks import CheckpointHook, Hook, LoggerHook
from mmengine.runner import find_latest_checkpoint

from aemim_mm.checkpoints import load_checkpoint_file
from aemim_mm.hooks import AtomicCheckpointHook, atomic_checkpoint_hook
from aemim_mm.utils.storage import AtomicLocalBackend

_HOOK = dict(type='AtomicCheckpointHook', interval=1)


def _validated(runner, score):
    hooks = [h for h in runner.hooks if isinstance(h, AtomicCheckpointHook)]
    assert len(hooks) == 1
    hooks[0].after_val_epoch(runner, dict(acc=score))


class _Validate(Hook):
    """Stands for a validation: it ends each with the next score."""

    def __init__(self, scores):
        self.scores = iter(scores)

    def before_train_epoch(self, runner):
        # As in the loop, the epoch before is counted as done by now.
        if runner.epoch:
            self.after_train(runner)

    def after_train(self, runner):
        _validated(runner, next(self.scores))


def _files(folder):
    return sorted(
        name
        for name in os.listdir(folder)
        if name.endswith(('.pth', '.partial', 'last_checkpoint'))
    )


@pytest.mark.parametrize('moment', MOMENTS)
def test_kill_at_any_moment(make_runner, tmp_path, moment):
    last = MOMENTS[moment][-1]
    train_killed(tmp_path, moment)
    latest = find_latest_checkpoint(str(tmp_path))
    assert latest == str(tmp_path / f'epoch_{last}.pth')
    assert load_checkpoint_file(latest)['meta']['epoch'] == last
    # The next start clears away the half-done and nothing else.
    before = _files(tmp_path)
    AtomicCheckpointHook().before_train(make_runner())
    assert _files(tmp_path) == [
        name for name in before if not name.endswith('.partial')
    ]


def test_order_of_events(make_runner, tmp_path, monkeypatch):
    (tmp_path / 'epoch_9.pth.0.partial').touch()
    seen = []
    replace, remove = os.replace, os.remove

    def note_replace(source, target):
        seen.append(('write', os.path.basename(target)))
        replace(source, target)

    def note_remove(path):
        seen.append(('remove', os.path.basename(path)))
        remove(path)

    monkeypatch.setattr(os, 'replace', note_replace)
    monkeypatch.setattr(os, 'remove', note_remove)
    make_runner(checkpoint=dict(_HOOK, max_keep_ckpts=1)).train()
    assert seen == [
        ('write', 'epoch_1.pth'),
        ('write', 'last_checkpoint'),
        ('write', 'epoch_2.pth'),
        ('write', 'last_checkpoint'),
        ('remove', 'epoch_1.pth'),
    ]
    assert _files(tmp_path) == ['epoch_2.pth', 'last_checkpoint']


def test_by_iteration(make_runner, tmp_path):
    hook = dict(_HOOK, interval=3, by_epoch=False, max_keep_ckpts=2)
    make_runner(checkpoint=hook).train()
    assert _files(tmp_path) == ['iter_6.pth', 'iter_8.pth', 'last_checkpoint']
    latest = find_latest_checkpoint(str(tmp_path))
    assert load_checkpoint_file(latest)['meta']['iter'] == 8


@pytest.mark.parametrize(
    ('interval', 'saved'),
    [(100, [4, 7, 8]), (5, [4, 5, 8]), (2, [2, 4, 6, 8])],
)
def test_by_minutes(make_runner, tmp_path, monkeypatch, interval, saved):
    """Every iteration takes a minute."""
    hook = dict(_HOOK, interval=interval, by_epoch=False, minutes=3)
    runner = make_runner(checkpoint=hook)
    clock = SimpleNamespace(monotonic=lambda: 60 * runner.iter)
    monkeypatch.setattr(atomic_checkpoint_hook, 'time', clock)
    runner.train()
    assert _files(tmp_path)[:-1] == [f'iter_{i}.pth' for i in saved]


def test_processes_agree_on_the_minutes(make_runner, tmp_path, monkeypatch):
    """At the logger's interval, on the slowest clock."""
    hook = dict(_HOOK, interval=100, by_epoch=False, minutes=3)
    runner = make_runner(checkpoint=hook)
    (logger,) = (h for h in runner.hooks if isinstance(h, LoggerHook))
    logger.interval = 3
    asked = []

    def of_all(number, op):
        asked.append((runner.iter + 1, op))
        number.fill_(max(number.item(), 180 * (len(asked) == 2)))

    monkeypatch.setattr(atomic_checkpoint_hook, 'get_world_size', lambda: 2)
    monkeypatch.setattr(atomic_checkpoint_hook, 'all_reduce', of_all)
    runner.train()
    assert asked == [(3, 'max'), (6, 'max')]
    assert _files(tmp_path)[:-1] == ['iter_6.pth', 'iter_8.pth']


@pytest.mark.parametrize('options', [{}, dict(by_epoch=False, minutes=0)])
def test_minutes_that_cannot_be(options):
    with pytest.raises(ValueError, match='minutes must be positive and needs'):
        AtomicCheckpointHook(**{'minutes': 3, **options})


def test_failed_save_deletes_and_moves_nothing(
    make_runner, tmp_path, monkeypatch
):
    runner = make_runner(checkpoint=dict(_HOOK, max_keep_ckpts=1))
    save = torch.save

    def full(*args, **kwargs):
        if runner.epoch == 1:
            raise OSError(28, 'No space left on device')
        save(*args, **kwargs)

    monkeypatch.setattr(torch, 'save', full)
    with pytest.raises(OSError, match='No space left'):
        runner.train()
    assert find_latest_checkpoint(str(tmp_path)).endswith('epoch_1.pth')
    assert 'epoch_1.pth' in _files(tmp_path)


def test_resumed_run_goes_on_deleting(make_runner, tmp_path):
    hook = dict(_HOOK, max_keep_ckpts=1)
    make_runner(checkpoint=hook).train()
    make_runner(
        checkpoint=hook,
        resume=True,
        train_cfg=dict(by_epoch=True, max_epochs=3),
    ).train()
    assert _files(tmp_path) == ['epoch_3.pth', 'last_checkpoint']


@pytest.mark.parametrize('elsewhere', [False, True])
def test_resumed_run_deletes_what_a_kill_left(
    make_runner, tmp_path, monkeypatch, elsewhere
):
    hook = dict(_HOOK, max_keep_ckpts=1)

    def killed(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(AtomicLocalBackend, 'remove', killed)
        make_runner(checkpoint=hook).train()
    left = ['epoch_1.pth', 'epoch_2.pth', 'last_checkpoint']
    assert _files(tmp_path) == left
    place = tmp_path / 'other' if elsewhere else tmp_path
    make_runner(
        place,
        checkpoint=hook,
        resume=True,
        load_from=str(tmp_path / 'epoch_2.pth'),
        train_cfg=dict(by_epoch=True, max_epochs=3),
    ).train()
    assert _files(place) == ['epoch_3.pth', 'last_checkpoint']
    if elsewhere:
        assert _files(tmp_path) == left


def test_save_best(make_runner, tmp_path):
    runner = make_runner(
        checkpoint=dict(_HOOK, save_best='acc', max_keep_ckpts=1)
    )
    runner.register_hook(_Validate([0.5, 0.7]))
    runner.train()
    assert _files(tmp_path) == [
        'best_acc_epoch_2.pth',
        'epoch_2.pth',
        'last_checkpoint',
    ]
    info = load_checkpoint_file(tmp_path / 'epoch_2.pth')['message_hub']
    assert info['runtime_info']['best_score'] == 0.7
    best = str(tmp_path / 'best_acc_epoch_2.pth')
    assert info['runtime_info']['best_ckpt'] == best
    assert 'optimizer' not in load_checkpoint_file(best)


def test_best_of_the_same_name_is_not_deleted(make_runner, tmp_path):
    # A resumed run may find its best in the epoch it had found it before.
    runner = make_runner(checkpoint=dict(_HOOK, save_best='acc'))
    runner.train()
    _validated(runner, 0.5)
    _validated(runner, 0.6)
    assert 'best_acc_epoch_2.pth' in _files(tmp_path)


def test_folder_of_its_own(make_runner, tmp_path):
    out = tmp_path / 'out'
    work = tmp_path / 'work'
    make_runner(work, checkpoint=dict(_HOOK, out_dir=str(out))).train()
    latest = find_latest_checkpoint(str(work))
    assert latest == str(out / 'work' / 'epoch_2.pth')
    assert load_checkpoint_file(latest)['meta']['epoch'] == 2


def test_backend():
    assert AtomicCheckpointHook().backend_args == dict(backend='atomic')
    other = dict(backend='local')
    assert AtomicCheckpointHook(backend_args=other).backend_args == other
    hook = AtomicCheckpointHook(out_dir='s3://bucket/runs')
    assert hook.backend_args is None
    assert isinstance(hook, CheckpointHook)


def test_wrong_arguments():
    with pytest.raises(TypeError, match="'max_keep_ckpt'.*max_keep_ckpts"):
        AtomicCheckpointHook(max_keep_ckpt=3)
    with pytest.raises(ValueError, match='backend_args in place'):
        AtomicCheckpointHook(file_client_args=dict(backend='disk'))
