# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from mmpretrain.registry import MODELS
from states import assert_equal_states

from aemim_mm.export.architecture import find_architecture
from aemim_mm.export.mmpretrain_library import MMPretrain, filled


def _library(source):
    return MMPretrain(source, find_architecture(source))


def test_mmpretrain_gets_encoder_neck_and_head(zoo):
    model = zoo.build('probe')
    weights = _library(zoo.source('probe', model=model)).weights()
    assert_equal_states(model, weights)


def test_the_code(zoo):
    assert _library(zoo.source('swin')).load_code('o.pth') == (
        "model.backbone.init_cfg=dict(type='Pretrained', checkpoint='o.pth', "
        "prefix='backbone.')"
    )


@pytest.mark.parametrize('kind', ['token', 'avg', 'gap', 'probe', 'swin'])
def test_config_from_the_weights_gives_the_same_logits(zoo, images, kind):
    model = zoo.build(kind)
    source = zoo.source(kind, model=model)
    cfg = _library(source).classifier_config()
    other = MODELS.build(cfg)
    other.load_state_dict(model.state_dict(), strict=True)
    other.eval()
    x = images(64 if kind == 'swin' else 32)
    with torch.no_grad():
        assert torch.allclose(model(x), other(x), atol=1e-6)


def test_config_of_a_hidden_layer(zoo):
    source = zoo.source('token')
    source.head['layers.pre_logits.weight'] = torch.ones(7, 32)
    source.head['layers.head.weight'] = torch.ones(5, 7)
    head = _library(source).classifier_config()['head']
    assert (head['hidden_dim'], head['in_channels']) == (7, 32)


def test_every_tensor_must_go_in(zoo, tmp_path):
    encoder = MODELS.build(_library(zoo.source('avg')).encoder_config())
    weights = zoo.build('avg').backbone.state_dict()
    assert 'ln2.bias' in weights and 'ln2.bias' not in encoder.state_dict()
    assert not filled(encoder, weights, tmp_path).training
    for change, message in (
        (dict(more=torch.ones(1)), 'unexpected ..more'),
        (dict(cls_token=torch.ones(1, 1, 3)), '(?s)cls_token.*--config'),
    ):
        with pytest.raises(ValueError, match=message):
            filled(encoder, {**weights, **change}, tmp_path)
    del weights['pos_embed']
    with pytest.raises(ValueError, match='missing ..pos_embed'):
        filled(encoder, weights, tmp_path)
