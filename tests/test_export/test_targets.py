# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import timm
import torch

from aemim_mm.export.architecture import find_architecture
from aemim_mm.export.source import read_source
from aemim_mm.export.targets import load_code, target_weights


def _parts(zoo, kind, **options):
    source = read_source(zoo.save(kind, **options))
    return source, find_architecture(source)


@pytest.mark.parametrize('kind', ['aemim', 'simmim', 'avg', 'probe', 'swin'])
def test_nothing_of_the_pretraining_is_left(zoo, kind):
    parts = _parts(zoo, kind)
    for target in ('mmpretrain', 'mmdet', 'timm'):
        weights = target_weights(*parts, target)
        for key, value in weights.items():
            assert 'adv' not in key and 'mask' not in key
            assert 'decoder' not in key
            assert value.is_contiguous()


def test_unknown_target(zoo):
    with pytest.raises(ValueError, match="unknown target 'onnx'.*timm"):
        target_weights(*_parts(zoo, 'mae'), 'onnx')


def test_timm_is_asked_before_anything_is_written(zoo):
    with pytest.raises(ValueError, match='ln1 and ln2'):
        target_weights(*_parts(zoo, 'both_norms'), 'timm')
    assert target_weights(*_parts(zoo, 'both_norms'), 'mmpretrain')


@pytest.mark.parametrize('kind', ['token', 'avg', 'swin', 'simmim'])
def test_the_code_for_timm_runs(zoo, kind, tmp_path):
    source, architecture = _parts(zoo, kind)
    path = tmp_path / 'out.pth'
    torch.save(target_weights(source, architecture, 'timm'), path)
    code = load_code(source, architecture, 'timm', str(path))
    model = eval(code, dict(timm=timm))
    assert model.pretrained_cfg['mean'] == [0.485, 0.456, 0.406]
    assert model.pretrained_cfg['std'] == [0.229, 0.224, 0.225]
    assert model.num_classes == (0 if kind == 'simmim' else 5)


def test_the_code_for_openmmlab(zoo):
    parts = _parts(zoo, 'swin')
    plain = (
        "model.backbone.init_cfg=dict(type='Pretrained', checkpoint='o.pth'"
    )
    with_prefix = f"{plain}, prefix='backbone.')"
    assert load_code(*parts, 'mmpretrain', 'o.pth') == with_prefix
    assert load_code(*parts, 'mmdet', 'o.pth') == with_prefix
    assert load_code(*_parts(zoo, 'mae'), 'mmdet', 'o.pth') == with_prefix


def test_normalization_that_is_not_known(zoo):
    parts = _parts(zoo, 'swin', config=False)
    assert 'pretrained_cfg' not in load_code(*parts, 'timm', 'o.pth')
