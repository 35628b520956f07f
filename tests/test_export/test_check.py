# Copyright (c) aemim_mm contributors. All rights reserved.
import math
import sys

import pytest
import torch

from aemim_mm.export.architecture import find_architecture
from aemim_mm.export.check import LIMIT, compare
from aemim_mm.export.files import save_export
from aemim_mm.export.source import read_source
from aemim_mm.export.targets import target_weights


def _written(zoo, kind, target, suffix='.pth', change=lambda weights: None):
    source = read_source(zoo.save(kind))
    architecture = find_architecture(source)
    weights = {
        key: value.clone()
        for key, value in target_weights(source, architecture, target).items()
    }
    change(weights)
    path = zoo.folder / f'out{suffix}'
    save_export(path, weights, {})
    return source, architecture, target, path


@pytest.mark.parametrize(
    'target',
    ['mmpretrain', pytest.param('mmdet', marks=pytest.mark.det), 'timm'],
)
@pytest.mark.parametrize(
    'kind', ['aemim', 'mae', 'simmim', 'token', 'avg', 'gap', 'probe', 'swin']
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
    with pytest.raises(ValueError, match="differ in .'ln1.bias'"):
        compare(*parts)


def test_without_mmdet(zoo, monkeypatch):
    monkeypatch.setitem(sys.modules, 'mmdet.registry', None)
    with pytest.raises(ValueError, match='needs mmdet.*docs/install.md'):
        compare(*_written(zoo, 'mae', 'mmdet'))


def test_says_nothing(zoo, capsys):
    compare(*_written(zoo, 'mae', 'mmpretrain'))
    captured = capsys.readouterr()
    assert captured.out == ''
    assert 'PretrainedInit' not in captured.err


def test_half_precision(zoo):
    source = read_source(zoo.save('swin')).to(torch.float16)
    architecture = find_architecture(source)
    weights = target_weights(source, architecture, 'timm')
    assert {v.dtype for v in weights.values()} == {torch.float16}
    save_export(zoo.folder / 'half.pth', weights, {})
    differences = compare(
        source, architecture, 'timm', zoo.folder / 'half.pth'
    )
    assert max(differences.values()) < LIMIT
