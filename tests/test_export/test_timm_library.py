# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import timm
import torch

from aemim_mm.export.architecture import find_architecture
from aemim_mm.export.timm_library import Timm


def _library(source):
    return Timm(source, find_architecture(source))


def test_what_timm_has_not_shows_at_once(zoo):
    with pytest.raises(ValueError, match='ln1 and ln2'):
        _library(zoo.source('both_norms'))


@pytest.mark.parametrize('kind, key', [('avg', 'head'), ('swin', 'head.fc')])
def test_keys_of_the_classifier(zoo, kind, key):
    source = zoo.source(kind)
    weights = _library(source).weights()
    assert torch.equal(weights[f'{key}.weight'], source.head['fc.weight'])
    assert torch.equal(weights[f'{key}.bias'], source.head['fc.bias'])


@pytest.mark.parametrize('kind', ['token', 'avg', 'swin', 'simmim'])
def test_the_code_runs(zoo, kind, tmp_path):
    library = _library(zoo.source(kind))
    path = tmp_path / 'out.pth'
    torch.save(library.weights(), path)
    model = eval(library.load_code(str(path)), dict(timm=timm))
    assert model.pretrained_cfg['mean'] == [0.485, 0.456, 0.406]
    assert model.pretrained_cfg['std'] == [0.229, 0.224, 0.225]
    assert model.num_classes == (0 if kind == 'simmim' else 5)


def test_normalization_that_is_not_known(zoo):
    library = _library(zoo.source('swin', config=False))
    assert 'pretrained_cfg' not in library.load_code('o.pth')
