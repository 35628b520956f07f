# Copyright (c) aemim_mm contributors. All rights reserved.
from types import SimpleNamespace

from mmengine.model import BaseModule, PretrainedInit
from mmengine.optim import OptimWrapper
from mmpretrain.models import AverageClsScoreTTA
from torch import nn
from torch.optim import SGD

from aemim_mm.hooks.load_target import (
    is_training,
    pretrained_parts,
    unwrap,
)


def test_training_has_built_its_optimizer():
    wrapper = OptimWrapper(SGD(nn.Linear(1, 1).parameters(), lr=1))
    for value, expected in ((None, False), ({}, False), (wrapper, True)):
        assert is_training(SimpleNamespace(optim_wrapper=value)) is expected


def test_the_model_inside(make_runner):
    model = make_runner().model
    assert unwrap(model) is model
    assert unwrap(AverageClsScoreTTA(module=model)) is model


def test_pretrained_parts():
    one = dict(type='Pretrained', checkpoint='a.pth')
    two = dict(type=PretrainedInit, checkpoint='b.pth')
    scoped = dict(type='mmengine.Pretrained', checkpoint='d.pth')
    other = dict(type='Normal', layer='Linear')
    model = BaseModule()
    model.d = BaseModule(init_cfg=scoped)
    model.a = BaseModule(init_cfg=one)
    model.b = nn.Sequential(BaseModule(init_cfg=[other, two]))
    model.c = BaseModule(init_cfg=other)
    found = list(pretrained_parts(model))
    assert [name for name, *_ in found] == ['d', 'a', 'b.0']
    assert [m for _, m, _ in found] == [model.d, model.a, model.b[0]]
    files = [cfg['checkpoint'] for *_, cfg in found]
    assert files == ['d.pth', 'a.pth', 'b.pth']
