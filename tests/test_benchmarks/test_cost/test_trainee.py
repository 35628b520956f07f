# Copyright (c) aemim_mm contributors. All rights reserved.
import copy

import pytest
import torch
from tiny_run import ROOT

from benchmarks.cost import Trainee
from benchmarks.cost.cost_model import (
    STOCK,
    StepShape,
)

PRETRAIN = ROOT / 'configs' / 'pretrain'
AEMIM = PRETRAIN / 'aemim_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py'
FAST = PRETRAIN / 'fast-aemim_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py'
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


def test_shapes():
    assert Trainee(str(MAE), 8).shape == STOCK
    assert Trainee(str(AEMIM), 8).shape == StepShape(1.0, 2)
    assert Trainee(str(FAST), 8).shape == StepShape(0.25, 1)
    options = {
        'model.adv_ratio': 0.3,
        'model.attack.distance': 'reconstruction',
        'model.attack.num_steps': 5,
    }
    # 0.3 of 8 images are 2 images.
    assert Trainee(str(AEMIM), 8, cfg_options=options).shape == StepShape(
        0.25, 5, decodes=True
    )


def test_share_of_the_attack():
    assert Trainee(str(MAE), 2).attack_share() == 0
    trainee = Trainee(str(AEMIM), 2)
    attack = trainee.model.attack
    assert 0 < trainee.attack_share() < 1
    assert trainee.model.attack is attack


def test_same_weights_every_time():
    first, second = (Trainee(str(AEMIM), 2) for _ in range(2))
    state = second.model.state_dict()
    for name, value in first.model.state_dict().items():
        assert torch.equal(value, state[name])
    assert torch.equal(first.data['inputs'], second.data['inputs'])


def test_unknown_precision():
    with pytest.raises(ValueError, match="'fp8'; it must be one of fp32"):
        Trainee(str(MAE), 2, 'fp8')
