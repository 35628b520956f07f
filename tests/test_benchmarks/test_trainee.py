# Copyright (c) aemim_mm contributors. All rights reserved.
import copy

import pytest
import torch
from states import assert_equal_states
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
    assert_equal_states(first.model, second.model)
    assert torch.equal(first.data['inputs'], second.data['inputs'])


@pytest.mark.parametrize(
    'recipe, width, epochs',
    [
        ('beit_beit-base-p16_8xb256-amp-coslr-800e_in1k', 768, 800),
        ('mocov3_vit-small-p16_16xb256-amp-coslr-300e_in1k', 384, 300),
    ],
)
def test_quoted_baselines_train(recipe, width, epochs):
    """Offline: a tokenizer has random weights, and is part of the step."""
    arch = dict(
        _delete_=True,
        embed_dims=width,
        num_layers=1,
        num_heads=12,
        feedforward_channels=64,
    )
    trainee = Trainee(
        str(PRETRAIN / f'{recipe}.py'),
        2,
        cfg_options={'model.backbone.arch': arch},
    )
    assert trainee.epochs == epochs
    calls = []
    tokenizer = getattr(trainee.model, 'target_generator', None)
    if tokenizer is not None:
        tokenizer.register_forward_hook(lambda *_: calls.append(_))
    before = trainee.model.backbone.cls_token.clone()
    trainee.step()
    assert len(calls) == recipe.startswith('beit')
    assert not torch.equal(trainee.model.backbone.cls_token, before)


def test_unknown_precision():
    with pytest.raises(ValueError, match="'fp8'; it must be one of fp32"):
        Trainee(str(MAE), 2, 'fp8')
