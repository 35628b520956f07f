# Copyright (c) aemim_mm contributors. All rights reserved.
import copy

import pytest
import torch
from tiny_run import ROOT

from benchmarks.trainee import Trainee

PRETRAIN = ROOT / 'configs' / 'pretrain'
AEMIM = PRETRAIN / 'aemim_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py'
MAE = PRETRAIN / 'mae_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py'


@pytest.mark.parametrize('precision', ['fp32', 'bf16', 'fp16'])
def test_a_step_trains_every_parameter(precision):
    trainee = Trainee(str(AEMIM), 4, precision)
    before = copy.deepcopy(dict(trainee.model.named_parameters()))
    trainee.step()
    for name, parameter in trainee.model.named_parameters():
        moved = not torch.equal(parameter, before[name])
        assert moved == parameter.requires_grad, name
        assert parameter.grad is None, name
    assert trainee.data['inputs'].shape == (4, 1, 28, 28)


def test_same_weights_every_time():
    first, second = (Trainee(str(AEMIM), 2) for _ in range(2))
    state = second.model.state_dict()
    for name, value in first.model.state_dict().items():
        assert torch.equal(value, state[name])
    assert torch.equal(first.data['inputs'], second.data['inputs'])


def test_unknown_precision():
    with pytest.raises(ValueError, match="'fp8'; it must be one of fp32"):
        Trainee(str(MAE), 2, 'fp8')
