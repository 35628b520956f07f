# Copyright (c) aemim_mm contributors. All rights reserved.
from mmengine import registry as root
from mmengine.dataset import DefaultSampler
from mmengine.hooks import CheckpointHook
from mmpretrain import registry as mmpretrain_registry
from mmpretrain.models import MAE, Mixup, ResNet

from aemim_mm.config_check import registries


def first(*args):
    return next(registries.find(*args), None)


def test_find_in_the_scope_and_its_parents():
    assert first('model', 'MAE', 'mmpretrain') is MAE
    assert first('hook', 'CheckpointHook', 'mmpretrain') is CheckpointHook
    assert first('sampler', 'DefaultSampler', 'mmpretrain') is DefaultSampler
    assert first('model', 'MAE', 'mmengine') is None
    assert first('model', 'mmpretrain.ResNet', 'mmengine') is ResNet
    assert first('model', ResNet, 'mmpretrain') is ResNet
    assert first('model', 'MEA', 'mmpretrain') is None


def test_other_kinds_come_after_the_expected_one():
    assert first('model', 'Mixup', 'mmpretrain') is Mixup
    both = list(registries.find('transform', 'Normalize', 'mmpretrain'))
    assert both[0].__module__.startswith(('mmcv', 'mmpretrain.datasets'))


def test_names():
    names = registries.names('hook', 'mmpretrain')
    assert {'CheckpointHook', 'EMAHook', 'EpochSeedHook'} <= names
    assert 'ResNet' not in names


def test_scope_without_a_registry_of_its_own():
    found = registries.in_scope(root.FUNCTIONS, 'mmpretrain')
    assert found is root.FUNCTIONS
    found = registries.in_scope(root.MODELS, 'mmpretrain')
    assert found is mmpretrain_registry.MODELS
