# Copyright (c) aemim_mm contributors. All rights reserved.
import torch
from tiny_run import ROOT
from torch import nn

from benchmarks.cost import profile
from benchmarks.cost.cost_row import CostRow
from benchmarks.cost.profile import (
    KIND_NAMES,
    kind_of,
    profile_steps,
)
from benchmarks.trainee import Trainee

NAME = '_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py'
PRETRAIN = ROOT / 'configs' / 'pretrain'


def kinds_of(function):
    """The kinds of the operators that run, by the operators' names."""
    with torch.profiler.profile() as profiler:
        function()
    return {event.name: kind_of(event) for event in profiler.events()}


def test_kinds_of_operators():
    x = torch.ones(2, 4, 8, requires_grad=True)

    def run():
        y = nn.functional.gelu(nn.functional.layer_norm(x @ x.mT, (4,)))
        y = nn.functional.scaled_dot_product_attention(y, y, y)
        y = nn.functional.conv1d(y, torch.ones(4, 4, 1))
        (y + 1).sum().backward()

    kinds = kinds_of(run)
    assert kinds['aten::bmm'] == 'matrix products'
    assert kinds['aten::convolution'] == 'matrix products'
    assert kinds['aten::gelu'] == kinds['aten::gelu_backward'] == 'GELU'
    assert kinds['aten::native_layer_norm'] == 'norm'
    assert kinds['aten::native_layer_norm_backward'] == 'norm'
    assert kinds['aten::scaled_dot_product_attention'] == 'attention'
    assert kinds['aten::add'] == kinds['aten::sum'] == 'other'


def test_all_that_the_optimizer_runs_is_its_own():
    weight = nn.Parameter(torch.ones(2))
    weight.grad = torch.ones(2)
    optimizer = torch.optim.AdamW([weight])
    kinds = kinds_of(lambda: optimizer.step())
    assert kinds['aten::addcdiv_'] == kinds['aten::mul_'] == 'optimizer'


class Counted:
    """A trainee whose steps are counted, with known operators."""

    def __init__(self):
        self.steps = 0

    def step(self):
        self.steps += 1
        torch.ones(64, 64) @ torch.ones(64, 64)


def test_every_kind_of_every_model():
    trainees, ticks = {'a': Counted(), 'b': Counted()}, []
    found = profile_steps(trainees, 3, lambda: ticks.append(1))
    assert [t.steps for t in trainees.values()] == [3, 3] and len(ticks) == 6
    for seconds in found.values():
        assert list(seconds) == KIND_NAMES
        assert 0 < seconds['matrix products'] < 1 and seconds['other'] > 0
        for kind in ('attention', 'GELU', 'norm', 'optimizer'):
            assert seconds[kind] == 0


def test_medians(monkeypatch):
    steps = iter([3.0, 1.0, 2.0])

    def profile_step(trainee):
        return dict.fromkeys(KIND_NAMES, next(steps))

    monkeypatch.setattr(profile, 'profile_step', profile_step)
    assert profile_steps({'a': None}, 3)['a'] == dict.fromkeys(KIND_NAMES, 2.0)


def test_a_training_step_has_all_kinds():
    path = str(PRETRAIN / f'aemim{NAME}')
    (seconds,) = profile_steps({'a': Trainee(path, 2)}, 1).values()
    assert min(seconds.values()) > 0


def test_cells_are_relative_to_the_step_of_the_base():
    def row(*seconds):
        values = dict.fromkeys(CostRow.__dataclass_fields__)
        values['kinds_seconds'] = dict(zip('ab', seconds, strict=True))
        return CostRow(**values)

    base = row(1.0, 3.0)
    assert base.kinds(base) == ['25.0', '75.0']
    assert row(2.0, 4.5).kinds(base) == ['50.0', '112.5']
