# Copyright (c) aemim_mm contributors. All rights reserved.
import math

import pytest
import torch
from mmengine.runner import CheckpointLoader

from aemim_mm.export.architecture import find_architecture
from aemim_mm.export.comparison import (
    compare,
    features_of,
    logits_of,
)
from aemim_mm.export.export_file import save_export
from aemim_mm.export.targets import in_library
from aemim_mm_cli.choices import LIMIT


def _written(zoo, kind, target, suffix='.pth', change=lambda weights: None):
    source = zoo.source(kind)
    architecture = find_architecture(source)
    weights = in_library(source, architecture, target).weights()
    weights = {key: value.clone() for key, value in weights.items()}
    change(weights)
    path = zoo.folder / f'out{suffix}'
    save_export(path, weights, {})
    return source, architecture, target, path


@pytest.mark.parametrize(
    'target',
    ['mmpretrain', pytest.param('mmdet', marks=pytest.mark.det), 'timm'],
)
@pytest.mark.parametrize(
    'kind',
    ['aemim', 'mae', 'cim', 'simmim', 'token', 'avg', 'gap', 'probe', 'swin'],
)
def test_every_target(zoo, kind, target):
    source, *rest = _written(zoo, kind, target)
    differences = compare(source, *rest)
    expected = {'features', 'logits'}
    if not source.head or target == 'mmdet':
        expected = {'features'}
    assert differences.keys() == expected
    assert max(differences.values()) < LIMIT / 5


@pytest.mark.parametrize('target', ['mmpretrain', 'timm'])
def test_safetensors(zoo, target):
    differences = compare(*_written(zoo, 'swin', target, '.safetensors'))
    assert max(differences.values()) < LIMIT / 5


@pytest.mark.parametrize(
    'kind, target, key',
    [
        ('token', 'timm', 'blocks.1.norm2.bias'),
        ('token', 'timm', 'pos_embed'),
        ('simmim', 'timm', 'layers.2.downsample.norm.bias'),
        (
            'simmim',
            'timm',
            'layers.0.blocks.1.attn.relative_position_bias_table',
        ),
        ('mae', 'mmpretrain', 'backbone.ln1.bias'),
    ],
)
def test_a_single_wrong_tensor_shows(zoo, kind, target, key):
    parts = _written(zoo, kind, target, change=lambda w: w[key].mul_(1.1))
    assert compare(*parts)['features'] > LIMIT


def test_a_wrong_head_shows_in_the_logits_alone(zoo):
    parts = _written(
        zoo, 'avg', 'timm', change=lambda w: w['head.bias'].add_(0.05)
    )
    differences = compare(*parts)
    assert differences['features'] < LIMIT
    assert differences['logits'] == pytest.approx(0.05, abs=1e-4)


def test_nan_is_a_difference(zoo):
    parts = _written(
        zoo, 'mae', 'timm', change=lambda w: w['cls_token'].fill_(math.nan)
    )
    assert math.isnan(compare(*parts)['features'])


def test_an_incomplete_file(zoo):
    parts = _written(
        zoo, 'mae', 'mmpretrain', change=lambda w: w.pop('backbone.ln1.bias')
    )
    with pytest.raises(ValueError, match="missing .'ln1.bias'"):
        compare(*parts)


def test_says_nothing(zoo, capsys):
    compare(*_written(zoo, 'mae', 'mmpretrain'))
    captured = capsys.readouterr()
    assert captured.out == ''
    assert 'PretrainedInit' not in captured.err


def test_half_precision(zoo):
    source = zoo.source('swin').to(torch.float16)
    architecture = find_architecture(source)
    weights = in_library(source, architecture, 'timm').weights()
    assert {v.dtype for v in weights.values()} == {torch.float16}
    save_export(zoo.folder / 'half.pth', weights, {})
    differences = compare(
        source, architecture, 'timm', zoo.folder / 'half.pth'
    )
    assert max(differences.values()) < LIMIT


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
@pytest.mark.parametrize(
    'target', ['mmpretrain', pytest.param('mmdet', marks=pytest.mark.det)]
)
def test_mmengine_reads_no_file(zoo, monkeypatch, target, suffix):
    """Its loaders execute what is in a file unless they are replaced."""

    def refuse(*args, **kwargs):
        raise AssertionError('asked for a file')

    monkeypatch.setattr(CheckpointLoader, 'load_checkpoint', refuse)
    monkeypatch.setattr(torch, 'load', _only_weights(torch.load))
    source, *rest = _written(zoo, 'swin', target, suffix)
    # from a file somewhere else
    init = dict(type='Pretrained', checkpoint='https://somewhere/a.pth')
    for part in ('backbone', 'head'):
        source.config['model'][part]['init_cfg'] = init
    assert max(compare(source, *rest).values()) < LIMIT


def _only_weights(load):
    def checked(*args, **kwargs):
        assert kwargs['weights_only'] is True
        return load(*args, **kwargs)

    return checked


@pytest.mark.parametrize('kind, size', [('aemim', 32), ('simmim', 64)])
def test_the_encoder_is_not_masked(zoo, images, kind, size):
    model = zoo.build(kind)
    source = zoo.source(kind, model=model)
    x = images(size)
    got = features_of(source, find_architecture(source), x, maps=False)
    with torch.no_grad():
        wanted = model.backbone(x, mask=None)[-1]
    assert torch.equal(got[-1], wanted)


def test_maps_are_the_tokens_without_that_of_the_class(zoo, images):
    source = zoo.source('aemim')
    architecture, x = find_architecture(source), images(32)
    tokens = features_of(source, architecture, x, maps=False)
    maps = features_of(source, architecture, x, maps=True)
    assert [t.shape for t in tokens] == [(2, 17, 32)] * 2
    for a, b in zip(tokens, maps, strict=True):
        assert torch.equal(a[:, 1:].mT.reshape(2, 32, 4, 4), b)


def test_without_config_the_plain_class_serves(zoo, images):
    model = zoo.build('swin')
    source = zoo.source('swin', model=model, config=False)
    architecture = find_architecture(source)
    x = images(64)
    got = features_of(source, architecture, x, maps=False)
    logits = logits_of(source, architecture, x)
    with torch.no_grad():
        assert torch.allclose(got[-1], model.backbone(x)[-1], atol=1e-6)
        assert torch.allclose(logits, model(x), atol=1e-6)


def test_half_precision_is_computed_in_float32(zoo, images):
    source = zoo.source('token').to(torch.bfloat16)
    logits = logits_of(source, find_architecture(source), images(32))
    assert logits.dtype == torch.float32


def test_config_of_another_model(zoo, images):
    source = zoo.source('token')
    architecture, x = find_architecture(source), images(32)
    source.config['model']['head']['num_classes'] = 6
    with pytest.raises(ValueError, match='(?s)does not fit.*head.*--config'):
        logits_of(source, architecture, x)
    source.config['model']['backbone']['type'] = 'BEiTViT'
    with pytest.raises(ValueError, match='BEiTViT is not a VisionTransformer'):
        features_of(source, architecture, x, maps=False)
