# Copyright (c) aemim_mm contributors. All rights reserved.
import os

import pytest
from mmengine.config import Config
from mmengine.optim import AmpOptimWrapper

from aemim_mm.launcher import launch


@pytest.fixture(autouse=True)
def _cpu(monkeypatch):
    monkeypatch.setattr(launch, 'has_accelerator', lambda: False)


def amp_cfg(**options):
    return Config(
        dict(
            optim_wrapper=dict(
                type='AmpOptimWrapper',
                loss_scale='dynamic',
                dtype='bfloat16',
                optimizer=dict(type='SGD', lr=0.1),
                accumulative_counts=2,
            ),
            train_dataloader=dict(pin_memory=True),
            val_dataloader=None,
            **options,
        )
    )


def test_amp_becomes_float32_with_one_warning(warned):
    cfg = amp_cfg(test_cfg=dict(fp16=True))
    launch.adapt_to_hardware(cfg)
    assert cfg.optim_wrapper == dict(
        type='OptimWrapper',
        optimizer=dict(type='SGD', lr=0.1),
        accumulative_counts=2,
    )
    assert cfg.test_cfg.fp16 is False
    assert cfg.train_dataloader.pin_memory is False
    assert len(warned) == 1 and 'float32' in warned[0]
    launch.adapt_to_hardware(cfg)  # nothing is left to replace
    assert len(warned) == 1


def test_amp_of_several_optimizers_and_as_a_class():
    cfg = Config(
        dict(
            optim_wrapper=dict(
                constructor='Own',
                one=dict(type=AmpOptimWrapper, use_fsdp=True),
                two=dict(type='mmengine.AmpOptimWrapper', dtype='float16'),
                three=dict(type='ApexOptimWrapper', opt_level='O1'),
            )
        )
    )
    assert launch.disable_amp(cfg)
    assert cfg.optim_wrapper.one == dict(type='OptimWrapper')
    assert cfg.optim_wrapper.two == dict(type='OptimWrapper')
    assert cfg.optim_wrapper.three.type == 'ApexOptimWrapper'


def test_nothing_changes_with_an_accelerator(monkeypatch):
    monkeypatch.setattr(launch, 'has_accelerator', lambda: True)
    cfg = amp_cfg(launcher='pytorch')
    launch.adapt_to_hardware(cfg)
    assert cfg.to_dict() == amp_cfg(launcher='pytorch').to_dict()


def test_launcher_gets_gloo_and_a_wrapper_as_the_runners(monkeypatch):
    calls = []
    monkeypatch.setattr(launch, 'init_gloo', lambda *args: calls.append(args))
    cfg = amp_cfg(
        launcher='pytorch',
        env_cfg=dict(dist_cfg=dict(backend='nccl', timeout=9)),
        find_unused_parameters=True,
    )
    launch.adapt_to_hardware(cfg)
    assert calls == [('pytorch', dict(backend='nccl', timeout=9))]
    assert cfg.model_wrapper_cfg == dict(
        type='MMDistributedDataParallel',
        broadcast_buffers=False,
        find_unused_parameters=True,
        device_ids=None,
    )


def test_sync_bn_becomes_bn_with_a_launcher_alone(monkeypatch):
    monkeypatch.setattr(launch, 'init_gloo', lambda *args: None)
    model = dict(
        norm_cfg=dict(type='SyncBN', requires_grad=True),
        neck=[dict(type='A', norm_cfg=dict(type='SyncBN')), dict(type='B')],
        head=dict(norm_cfg=dict(type='LN')),
    )
    alone = Config(dict(model=model))
    launch.adapt_to_hardware(alone)
    assert alone.model.to_dict() == model
    cfg = Config(dict(model=model, launcher='pytorch'))
    launch.adapt_to_hardware(cfg)
    assert cfg.model.to_dict() == dict(
        norm_cfg=dict(type='BN', requires_grad=True),
        neck=[dict(type='A', norm_cfg=dict(type='BN')), dict(type='B')],
        head=dict(norm_cfg=dict(type='LN')),
    )
    assert not launch.unset_sync_bn(cfg.model)
    assert not launch.unset_sync_bn(None)


@pytest.mark.parametrize(
    'wrapper, has_ids',
    [
        (dict(broadcast_buffers=True), True),
        (dict(type='MMSeparateDistributedDataParallel'), True),
        (dict(type='MMFullyShardedDataParallel'), False),
    ],
)
def test_given_wrapper_is_kept(wrapper, has_ids):
    cfg = Config(dict(model_wrapper_cfg=dict(wrapper)))
    launch.unset_device_ids(cfg)
    expected = dict(wrapper, device_ids=None) if has_ids else wrapper
    assert cfg.model_wrapper_cfg == expected


@pytest.mark.parametrize(
    'launcher, variables',
    [
        ('pytorch', ('RANK', 'WORLD_SIZE', 'LOCAL_RANK')),
        ('slurm', ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID')),
        (
            'mpi',
            (
                'OMPI_COMM_WORLD_RANK',
                'OMPI_COMM_WORLD_SIZE',
                'OMPI_COMM_WORLD_LOCAL_RANK',
            ),
        ),
    ],
)
def test_gloo_reads_the_launchers_variables(monkeypatch, launcher, variables):
    monkeypatch.setattr(os, 'environ', {'MASTER_ADDR': 'h', **os.environ})
    for name in variables:
        os.environ.pop(name, None)
    with pytest.raises(KeyError, match=f'{launcher}.*{variables[1]}'):
        launch.init_gloo(launcher)
    os.environ.update(zip(variables, ('1', '4', '0'), strict=True))
    calls = []
    monkeypatch.setattr(
        launch.torch_dist,
        'init_process_group',
        lambda *args, timeout: calls.append((*args, timeout)),
    )
    launch.init_gloo(launcher, dict(backend='nccl', timeout=60))
    names = ('RANK', 'WORLD_SIZE', 'LOCAL_RANK')
    assert [os.environ[name] for name in names] == ['1', '4', '0']
    assert calls[0][0] == 'gloo' and calls[0][1].total_seconds() == 60
