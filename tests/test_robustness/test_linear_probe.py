# Copyright (c) aemim_mm contributors. All rights reserved.
import copy

import pytest
import robustness_toys as toys
import timm
import torch
from mmengine.config import Config
from mmpretrain.registry import MODELS

from aemim_mm.robustness import (
    load_config_classifier,
    load_config_encoder,
    load_timm_classifier,
    read_linear_probe,
    with_linear_probe,
)

DATA = dict(num_classes=5, mean=toys.MEAN, std=toys.STD, to_rgb=True)


def probe_cfg():
    """As configs/_base_/models/vit-base-p16_linear.py, in miniature."""
    cfg = toys.model_cfg(5)
    cfg['backbone'].update(out_type='cls_token', final_norm=True)
    cfg['neck'] = dict(type='ClsBatchNormNeck', input_features=32)
    cfg['head'] = dict(
        type='VisionTransformerClsHead', num_classes=5, in_channels=32
    )
    return cfg


@pytest.fixture
def run(tmp_path):
    """CONFIG and CHECKPOINT of linear probing, as mmengine writes them."""
    cfg = Config(dict(model=probe_cfg(), data_preprocessor=DATA))
    cfg.dump(str(tmp_path / 'probe.py'))
    model = MODELS.build(probe_cfg())
    generator = torch.Generator().manual_seed(0)
    state = {
        key: value
        if value.dtype == torch.int64
        else torch.rand(value.shape, generator=generator)
        for key, value in model.state_dict().items()
    }
    meta = dict(cfg=cfg.pretty_text)
    torch.save(dict(state_dict=state, meta=meta), tmp_path / 'probe.pth')
    return str(tmp_path / 'probe.py'), str(tmp_path / 'probe.pth')


@pytest.fixture
def encoder(run):
    return load_config_encoder(*run)


def images():
    return torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def test_checkpoint_of_linear_probing(run, encoder):
    """The same as the classifier of the run, batch norm and all."""
    probe = read_linear_probe(run[1])
    assert probe.pooling == 'token'
    assert probe.weight.shape == (5, 32)
    classifier = with_linear_probe(encoder, probe)
    expected = load_config_classifier(*run).model(images())
    found = classifier.model(images())
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    assert found.std() > 0.01
    assert classifier.name == 'probe (linear)'
    assert classifier.head == dict(linear=run[1], pooling='token')
    assert classifier.num_classes() == 5
    assert classifier.sha256() != encoder.sha256()
    assert not any(p.requires_grad for p in classifier.model.parameters())


def test_another_pooling(run):
    encoder = load_config_encoder(*run, pooling='avg')
    with pytest.raises(ValueError, match='pooling token, but .* has avg: lea'):
        with_linear_probe(encoder, read_linear_probe(run[1]))


def test_features_without_the_final_norm(run, encoder):
    content = torch.load(run[1], weights_only=True)
    for part in ('weight', 'bias'):
        del content['state_dict'][f'backbone.ln1.{part}']
    torch.save(content, run[1])
    with pytest.raises(ValueError, match=r'final norm .*ln1\.bias.*CONFIG'):
        with_linear_probe(encoder, read_linear_probe(run[1]))


def test_the_pooling_of_a_config_that_does_not_say(run):
    """mmpretrain's default is the class token."""
    content = torch.load(run[1], weights_only=True)
    cfg = content['meta']['cfg']
    content['meta']['cfg'] = cfg.replace("out_type='cls_token',", '')
    assert content['meta']['cfg'] != cfg
    torch.save(content, run[1])
    assert read_linear_probe(run[1]).pooling == 'token'


def test_the_head_of_a_fine_tuned_classifier(tmp_path):
    """On its own encoder it is the classifier."""
    files = toys.write_model(tmp_path, toys.build())
    probe = read_linear_probe(files[1])
    found = with_linear_probe(load_config_encoder(*files), probe)
    expected = load_config_classifier(*files).model(images())
    torch.testing.assert_close(found.model(images()), expected)


def test_another_encoder(run, encoder, tmp_path):
    content = torch.load(run[1], weights_only=True)
    other = copy.deepcopy(content)
    other['state_dict']['backbone.layers.0.ln1.bias'][3] += 1e-3
    torch.save(other, tmp_path / 'other.pth')
    with pytest.raises(
        ValueError,
        match='another encoder: its backbone.layers.0.ln1.bias is not that '
        f'of {run[1]}',
    ):
        with_linear_probe(
            encoder, read_linear_probe(str(tmp_path / 'other.pth'))
        )


def plain(path, classes=5, channels=32):
    """The state of an nn.Linear."""
    generator = torch.Generator().manual_seed(2)
    state = dict(
        weight=torch.randn(classes, channels, generator=generator),
        bias=torch.randn(classes, generator=generator),
    )
    torch.save(state, path)
    return state


def test_weight_and_bias_for_an_encoder_of_timm(tmp_path):
    path = str(tmp_path / 'linear.pth')
    state = plain(path)
    options = dict(toys.TIMM, num_classes=0)
    vit = timm.create_model('vit_tiny_patch16_224', **options)
    weights = str(tmp_path / 'vit.pth')
    torch.save(vit.state_dict(), weights)
    encoder = load_timm_classifier(
        'vit_tiny_patch16_224', weights, 16, options
    )
    classifier = with_linear_probe(encoder, read_linear_probe(path))
    features = encoder.model(images())
    assert features.shape == (3, 32)
    expected = features @ state['weight'].T + state['bias']
    torch.testing.assert_close(classifier.model(images()), expected)


def test_what_is_no_linear_classifier_of_this_encoder(encoder, tmp_path):
    path = str(tmp_path / 'linear.pth')
    plain(path, channels=48)
    with pytest.raises(ValueError, match='48 channels, but probe has 32'):
        with_linear_probe(encoder, read_linear_probe(path))
    weights = encoder.model.model.backbone.state_dict()
    torch.save({f'backbone.{k}': v for k, v in weights.items()}, path)
    with pytest.raises(ValueError, match='holds no classifier. Give a checkp'):
        read_linear_probe(path)
    with pytest.raises(FileNotFoundError):
        read_linear_probe(str(tmp_path / 'absent.pth'))


def test_a_probe_of_another_encoder_is_not_put_on_one_of_timm(run, tmp_path):
    options = dict(toys.TIMM, num_classes=0)
    weights = str(tmp_path / 'vit.pth')
    vit = timm.create_model('vit_tiny_patch16_224', **options)
    torch.save(vit.state_dict(), weights)
    encoder = load_timm_classifier(
        'vit_tiny_patch16_224', weights, 16, options
    )
    with pytest.raises(ValueError, match='is one of timm. Give its CONFIG'):
        with_linear_probe(encoder, read_linear_probe(run[1]))


@pytest.mark.parametrize(
    'state',
    [
        dict(weight=[1.0], bias=torch.ones(1)),
        dict(weight=torch.ones(3), bias=torch.ones(3)),
        dict(weight=torch.ones(3, 5), bias=torch.ones(5)),
        {'fc.weight': torch.ones(3, 5), 'fc.bias': torch.ones(3)},
    ],
)
def test_a_file_that_is_no_linear_layer(tmp_path, state):
    path = str(tmp_path / 'linear.pth')
    torch.save(state, path)
    with pytest.raises(ValueError, match=r'weight \(K, D\) and bias \(K, \)'):
        read_linear_probe(path)
