# Copyright (c) aemim_mm contributors. All rights reserved.
import copy

import mmengine.utils.misc
import pytest
import torch
from mmcv.cnn.bricks.transformer import FFN
from torch import nn
from toys import batch, build_aemim

from aemim_mm.models.layers import DirectFFN


@pytest.mark.parametrize(
    'options',
    [
        {},
        dict(add_identity=False),
        dict(num_fcs=3, layer_scale_init_value=0.1),
        dict(dropout_layer=dict(type='DropPath', drop_prob=0.5), ffn_drop=0.2),
    ],
)
def test_same_values_gradients_and_keys_as_stock(options):
    stock = FFN(8, 16, **options)
    ours = copy.deepcopy(stock)
    DirectFFN.take_over(ours)
    assert type(ours) is DirectFFN and isinstance(ours, FFN)
    assert ours.state_dict().keys() == stock.state_dict().keys()
    x, identity = torch.randn(4, 3, 8), torch.randn(4, 3, 8)
    results = []
    for ffn in (stock, ours):
        torch.manual_seed(0)
        out = ffn(x, identity=identity)
        out.square().sum().backward()
        results.append([out] + [p.grad for p in ffn.parameters()])
    for theirs, own in zip(*results, strict=True):
        assert torch.equal(own, theirs)


def test_subclasses_are_left_alone():
    class Other(FFN):
        pass

    net = nn.Sequential(Other(8, 16), FFN(8, 16))
    DirectFFN.take_over(net)
    assert [type(ffn) for ffn in net] == [Other, DirectFFN]


def test_a_step_of_our_mae_inspects_no_signature(monkeypatch):
    model = build_aemim('MAE-DualNormViT')
    calls, inspect = [], mmengine.utils.misc.getfullargspec
    monkeypatch.setattr(
        mmengine.utils.misc,
        'getfullargspec',
        lambda function: calls.append(function) or inspect(function),
    )
    model.loss(*batch('MAE-DualNormViT'))
    assert not calls
    FFN(8, 16)(torch.zeros(1, 8))
    assert calls
