# Copyright (c) aemim_mm contributors. All rights reserved.
import dataclasses

import pytest
import torch
from mmpretrain.registry import MODELS

from aemim_mm.export.architecture import find_architecture
from aemim_mm.export.classifier import classifier_config, linear_classifier
from aemim_mm.export.source import read_source


def test_of_a_pretrained_encoder(zoo):
    assert linear_classifier(read_source(zoo.save('mae'))) is None


@pytest.mark.parametrize(
    'kind, layer', [('avg', 'fc'), ('token', 'layers.head')]
)
def test_linear_heads(zoo, kind, layer):
    model = zoo.build(kind)
    head = linear_classifier(read_source(zoo.save(kind, model=model)))
    wanted = model.head.get_submodule(layer)
    assert torch.equal(head['weight'], wanted.weight)
    assert torch.equal(head['bias'], wanted.bias)


def test_missing_bias_is_zero(zoo):
    source = read_source(zoo.save('avg'))
    source.head.pop('fc.bias')
    assert linear_classifier(source)['bias'].tolist() == [0] * 5


@pytest.mark.parametrize('affine', [False, True])
def test_batch_norm_is_folded_in(zoo, affine):
    norm = torch.nn.BatchNorm1d(32, eps=1e-3, affine=affine)
    for value in norm.state_dict().values():
        if value.ndim:
            value.copy_(0.5 + torch.rand(32))
    norm.eval()
    source = read_source(zoo.save('probe'))
    source = dataclasses.replace(
        source, neck={f'bn.{k}': v for k, v in norm.state_dict().items()}
    )
    head = linear_classifier(source)
    x = torch.randn(4, 32)
    got = torch.nn.functional.linear(x, head['weight'], head['bias'])
    wanted = torch.nn.functional.linear(
        norm(x), *(source.head[f'layers.head.{n}'] for n in ('weight', 'bias'))
    )
    assert torch.allclose(got, wanted, atol=1e-5)


def test_heads_and_necks_without_counterpart(zoo):
    source = read_source(zoo.save('token'))
    source.head['layers.pre_logits.weight'] = torch.ones(32, 32)
    with pytest.raises(ValueError, match=r'layers.pre_logits.*mmpretrain'):
        linear_classifier(source)
    source = read_source(zoo.save('avg'))
    source.config['model']['neck'] = dict(type='HRFuseScales')
    with pytest.raises(ValueError, match="neck 'HRFuseScales'"):
        linear_classifier(source)


@pytest.mark.parametrize('kind', ['token', 'avg', 'gap', 'probe', 'swin'])
def test_config_from_the_weights_gives_the_same_logits(zoo, images, kind):
    model = zoo.build(kind)
    source = read_source(zoo.save(kind, model=model))
    cfg = classifier_config(source, find_architecture(source))
    other = MODELS.build(cfg)
    other.load_state_dict(model.state_dict(), strict=True)
    other.eval()
    x = images(64 if kind == 'swin' else 32)
    with torch.no_grad():
        assert torch.allclose(model(x), other(x), atol=1e-6)


def test_config_of_a_hidden_layer(zoo):
    source = read_source(zoo.save('token'))
    source.head['layers.pre_logits.weight'] = torch.ones(7, 32)
    source.head['layers.head.weight'] = torch.ones(5, 7)
    head = classifier_config(source, find_architecture(source))['head']
    assert (head['hidden_dim'], head['in_channels']) == (7, 32)
