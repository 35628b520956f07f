# Copyright (c) aemim_mm contributors. All rights reserved.
import dataclasses

import pytest
import torch

from aemim_mm.export.linear_head import linear_head


def test_of_a_pretrained_encoder(zoo):
    assert linear_head(zoo.source('mae')) == {}


@pytest.mark.parametrize(
    'kind, layer', [('avg', 'fc'), ('token', 'layers.head')]
)
def test_linear_heads(zoo, kind, layer):
    model = zoo.build(kind)
    head = linear_head(zoo.source(kind, model=model))
    wanted = model.head.get_submodule(layer)
    assert torch.equal(head['weight'], wanted.weight)
    assert torch.equal(head['bias'], wanted.bias)


def test_missing_bias_is_zero(zoo):
    source = zoo.source('avg')
    source.head.pop('fc.bias')
    assert linear_head(source)['bias'].tolist() == [0] * 5


@pytest.mark.parametrize('affine', [False, True])
def test_batch_norm_is_folded_in(zoo, affine):
    norm = torch.nn.BatchNorm1d(32, eps=1e-3, affine=affine)
    for value in norm.state_dict().values():
        if value.ndim:
            value.copy_(0.5 + torch.rand(32))
    norm.eval()
    source = zoo.source('probe')
    source = dataclasses.replace(
        source, neck={f'bn.{k}': v for k, v in norm.state_dict().items()}
    )
    head = linear_head(source)
    x = torch.randn(4, 32)
    got = torch.nn.functional.linear(x, head['weight'], head['bias'])
    wanted = torch.nn.functional.linear(
        norm(x), *(source.head[f'layers.head.{n}'] for n in ('weight', 'bias'))
    )
    assert torch.allclose(got, wanted, atol=1e-5)


def test_heads_and_necks_without_counterpart(zoo):
    source = zoo.source('token')
    source.head['layers.pre_logits.weight'] = torch.ones(32, 32)
    with pytest.raises(ValueError, match=r'layers.pre_logits.*mmpretrain'):
        linear_head(source)
    source = zoo.source('avg')
    source.config['model']['neck'] = dict(type='HRFuseScales')
    with pytest.raises(ValueError, match="neck 'HRFuseScales'"):
        linear_head(source)
