# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import tiny_run
from mmengine.config import Config

from aemim_mm.config_check import check_constructor_keys


def config():
    return Config(tiny_run.pretrain_cfg('data', tiny_run.mae()))


def test_paramwise_keys_are_those_of_the_constructor():
    cfg = config()
    cfg.optim_wrapper['paramwise_cfg'] = dict(layer_decay_rat=0.9)
    name = 'LearningRateDecayOptimWrapperConstructor'
    cfg.optim_wrapper['constructor'] = name
    with pytest.raises(TypeError, match=f'{name}.*"layer_decay_rate"'):
        check_constructor_keys(cfg)
    cfg.optim_wrapper['constructor'] = 'mmpretrain.' + name
    with pytest.raises(TypeError, match='layer_decay_rate'):
        check_constructor_keys(cfg)
    cfg.optim_wrapper['constructor'] = 'OwnConstructor'
    check_constructor_keys(cfg)


def test_names_of_default_hooks():
    cfg = config()
    for name in ('checkpoint_fit', 'text_logger', 'visualization'):
        cfg.default_hooks[name] = dict(type='CheckpointFitHook')
    check_constructor_keys(cfg)
    cfg.default_hooks['chekpoint'] = dict(type='CheckpointHook')
    with pytest.raises(TypeError, match='"chekpoint".*mean "checkpoint"'):
        check_constructor_keys(cfg)


def test_keys_that_resemble_nothing_are_left_over():
    cfg = config()
    cfg.optim_wrapper['paramwise_cfg'] = dict(_delete=True)
    cfg.env_cfg = dict(resource_limit=4096, zzz=1, mp_cfg=None)
    check_constructor_keys(cfg)
