# Copyright (c) aemim_mm contributors. All rights reserved.
import sys

import pytest
import torch
from mmengine.config import ConfigDict
from mmpretrain.registry import MODELS

from aemim_mm.export.architecture import find_architecture
from aemim_mm.export.mmdet_library import MMDet


def _library(source):
    return MMDet(source, find_architecture(source))


def test_mmdet_gets_no_head_and_no_norm_of_the_mean(zoo):
    weights = _library(zoo.source('avg')).weights()
    assert all(key.startswith('backbone.') for key in weights)
    assert 'backbone.ln2.weight' not in weights
    assert 'backbone.layers.0.ln2.weight' in weights


def _mmdet(cfg, **init):
    import mmdet.models  # noqa: F401
    from mmdet.registry import MODELS as MMDET_MODELS

    cfg = ConfigDict(cfg)
    if init:
        cfg.init_cfg = ConfigDict(type='Pretrained', **init)
    model = MMDET_MODELS.build(cfg)
    model.init_weights()
    model.eval()
    return model


@pytest.mark.det
def test_swin_features_are_equal_in_both_directions(zoo, images, tmp_path):
    ours = zoo.build('swin').backbone
    source = zoo.source('swin')
    torch.save(_library(source).weights(), tmp_path / 'swin.pth')
    cfg = _library(source).encoder_config()
    theirs = _mmdet(cfg, checkpoint=str(tmp_path / 'swin.pth'))
    # At the size of pre-training the last map is one window, which mmdet
    # shifts and mmpretrain does not; there the two differ.
    x = images(128)
    with torch.no_grad():
        wanted, got = ours(x)[-1], theirs(x)[-1]
        assert wanted.std() > 0.1
        assert torch.allclose(wanted, got, atol=1e-5)
        one_window = images(64)
        others = ours(one_window)[-1] - theirs(one_window)[-1]
        assert others.abs().max() > 1e-3
    back = MODELS.build(find_architecture(source).backbone())
    back.load_state_dict(theirs.state_dict(), strict=True)
    back.eval()
    with torch.no_grad():
        assert torch.allclose(back(x)[-1], got, atol=1e-5)


@pytest.mark.det
def test_swin_of_another_window_loads(zoo, tmp_path):
    source = zoo.source('swin')
    cfg = _library(source).encoder_config()
    cfg['window_size'] = 4
    torch.save(_library(source).weights(), tmp_path / 'swin.pth')
    model = _mmdet(cfg, checkpoint=str(tmp_path / 'swin.pth'))
    table = model.stages[0].blocks[0].attn.w_msa.relative_position_bias_table
    assert table.shape == (49, 1)
    key = 'stages.0.blocks.0.attn.w_msa.relative_position_bias_table'
    wanted = torch.nn.functional.interpolate(
        source.encoder[key].T.reshape(1, 1, 3, 3), size=(7, 7), mode='bicubic'
    )
    assert torch.allclose(table.T.reshape(1, 1, 7, 7), wanted, atol=1e-6)


@pytest.mark.det
def test_vit_features_are_equal(zoo, images, tmp_path):
    ours = zoo.build('token').backbone
    source = zoo.source('token')
    torch.save(_library(source).weights(), tmp_path / 'vit.pth')
    cfg = _library(source).encoder_config()
    theirs = _mmdet(
        cfg, checkpoint=str(tmp_path / 'vit.pth'), prefix='backbone.'
    )
    ours.out_type = 'featmap'
    x = images(32)
    with torch.no_grad():
        assert len(theirs(x)) == 2
        assert torch.allclose(ours(x)[-1], theirs(x)[-1], atol=1e-6)


def test_images_with_more_than_one_window(zoo):
    assert _library(zoo.source('swin')).image_size == (128, 128)
    assert _library(zoo.source('mae')).image_size == (32, 32)


def test_without_mmdet(zoo, monkeypatch):
    monkeypatch.setitem(sys.modules, 'mmdet.registry', None)
    with pytest.raises(ValueError, match='needs mmdet.*docs/install.md'):
        _library(zoo.source('mae')).registry()
