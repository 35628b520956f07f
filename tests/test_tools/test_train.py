# Copyright (c) aemim_mm contributors. All rights reserved.
import subprocess
import sys

import pytest
import tiny_run
from mmengine.config import Config

train = tiny_run.load_tool('train')


def merged(*options, **cfg):
    cfg = Config({**tiny_run.pretrain_cfg('data', tiny_run.mae()), **cfg})
    return train.merge_args(cfg, train.parse_args(['c/x.py', *options]))


def test_defaults_of_epoch_based_training():
    cfg = merged(val_dataloader=dict(num_workers=1))
    loader = cfg.train_dataloader
    assert loader.worker_init_fn == dict(type='seed_worker')
    assert loader.persistent_workers is False
    assert loader.pin_memory is True
    assert loader.collate_fn == dict(type='default_collate')
    assert cfg.val_dataloader.persistent_workers is True
    assert 'worker_init_fn' not in cfg.val_dataloader
    assert cfg.work_dir == './work_dirs/x'
    assert cfg.launcher == 'none'
    assert not cfg.get('resume')


@pytest.mark.parametrize(
    'train_cfg',
    [
        dict(by_epoch=False, max_iters=4),
        dict(type='IterBasedTrainLoop', max_iters=4),
    ],
)
def test_iteration_based_training_keeps_its_workers(train_cfg):
    loader = merged(train_cfg=train_cfg).train_dataloader
    assert 'worker_init_fn' not in loader
    assert loader.persistent_workers is True


def test_config_wins_over_the_defaults():
    loader = dict(
        num_workers=2,
        persistent_workers=True,
        disable_subprocess_warning=True,
    )
    cfg = merged(train_dataloader=loader)
    assert cfg.train_dataloader.persistent_workers is True
    assert cfg.train_dataloader.worker_init_fn == dict(
        type='seed_worker', disable_subprocess_warning=True
    )
    assert 'disable_subprocess_warning' not in cfg.train_dataloader
    cfg = merged('--no-persistent-workers', train_dataloader=loader)
    assert cfg.train_dataloader.persistent_workers is False


def test_no_workers_are_not_persistent():
    cfg = merged(
        '--cfg-options', 'val_dataloader.num_workers=0', val_dataloader=dict()
    )
    assert cfg.val_dataloader.persistent_workers is False


def test_options():
    cfg = merged(
        '--work-dir',
        'w',
        '--no-validate',
        '--amp',
        '--auto-scale-lr',
        '--no-pin-memory',
        '--launcher',
        'slurm',
        '--cfg-options',
        'optim_wrapper.loss_scale=8.0',
        'randomness.seed=7',
        val_dataloader=dict(),
        val_cfg=dict(),
        val_evaluator=dict(),
        optim_wrapper=dict(type='OptimWrapper'),
    )
    assert cfg.work_dir == 'w'
    assert cfg.val_dataloader is cfg.val_cfg is cfg.val_evaluator is None
    assert cfg.optim_wrapper == dict(type='AmpOptimWrapper', loss_scale=8.0)
    assert cfg.auto_scale_lr == dict(base_batch_size=16, enable=True)
    assert cfg.train_dataloader.pin_memory is False
    assert cfg.launcher == 'slurm'
    assert cfg.randomness.seed == 7


@pytest.mark.parametrize(
    'options, resume, load_from',
    [
        ([], False, 'old.pth'),
        (['--resume'], True, None),
        (['--resume', 'epoch_3.pth'], True, 'epoch_3.pth'),
    ],
)
def test_resume(options, resume, load_from):
    cfg = merged(*options, resume=False, load_from='old.pth')
    assert cfg.resume is resume
    assert cfg.load_from == load_from


def test_options_that_the_config_cannot_serve():
    with pytest.raises(ValueError, match='base_batch_size'):
        merged('--auto-scale-lr', auto_scale_lr=None)
    with pytest.raises(ValueError, match='optim_wrapper'):
        merged('--amp', optim_wrapper=None)


@pytest.mark.parametrize('spelling', ['--local_rank', '--local-rank'])
def test_local_rank(monkeypatch, spelling):
    monkeypatch.setattr(train.os, 'environ', {})
    train.parse_args(['c.py', f'{spelling}=3'])
    assert train.os.environ['LOCAL_RANK'] == '3'


def test_a_typo_stops_the_run_before_anything_is_written(tmp_path):
    data = tiny_run.write_images(tmp_path / 'data', num=4)
    cfg = tiny_run.pretrain_cfg(data, tiny_run.mae(), param_schedular=[{}])
    path = tiny_run.write_config(tmp_path / 'tiny.py', cfg)
    # From another directory and without PYTHONPATH: a bare checkout.
    env = tiny_run.environment()
    del env['PYTHONPATH']
    done = subprocess.run(
        [sys.executable, tiny_run.ROOT / 'tools/train.py', path],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert 'Did you mean "param_scheduler"' in done.stderr
    assert not (tmp_path / 'work_dirs').exists()
