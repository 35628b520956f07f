# Copyright (c) aemim_mm contributors. All rights reserved.
"""What the config in a checkpoint may say; nothing of it is executed."""

import pytest
import torch
from mmpretrain.registry import MODELS

from aemim_mm.export import export_backbone
from aemim_mm.export.stored_config import check_types

ARCH = dict(embed_dims=32, num_layers=2, num_heads=2, feedforward_channels=64)


def checkpoint(path, cfg, **more):
    """A tiny ViT with a config of somebody's."""
    vit = MODELS.build(
        dict(
            type='VisionTransformer',
            arch=dict(ARCH),
            img_size=32,
            patch_size=8,
        )
    )
    weights = {f'backbone.{k}': v for k, v in vit.state_dict().items()}
    torch.save(dict(state_dict={**weights, **more}, meta=dict(cfg=cfg)), path)
    return path


@pytest.mark.parametrize('target', ['mmpretrain', 'timm'])
def test_a_file_cannot_name_a_function(tmp_path, target):
    """mmengine's registry would import and call it."""
    trace = tmp_path / 'trace'
    cfg = f"model = dict(backbone=dict(type='os.mkdir', path={str(trace)!r}))"
    file = checkpoint(tmp_path / 'a.pth', cfg)
    with pytest.raises(ValueError, match=r"backbone\.type='os\.mkdir'"):
        export_backbone(file, tmp_path / 'b.pth', target, check=True)
    assert not trace.exists() and not (tmp_path / 'b.pth').exists()


@pytest.mark.parametrize('part', ['neck', 'head', 'type'])
def test_nor_can_a_classifier_s_file(tmp_path, part):
    trace = tmp_path / 'trace'
    model = dict(
        type='ImageClassifier',
        backbone=dict(
            type='VisionTransformer', arch=ARCH, img_size=32, patch_size=8
        ),
        head=dict(type='LinearClsHead', num_classes=3, in_channels=32),
    )
    bad = dict(type='os.mkdir', path=str(trace))
    model[part] = 'os.mkdir' if part == 'type' else bad
    head = {
        'head.fc.weight': torch.zeros(3, 32),
        'head.fc.bias': torch.zeros(3),
    }
    file = checkpoint(tmp_path / 'a.pth', f'model = {model!r}', **head)
    with pytest.raises(ValueError, match='--config'):
        export_backbone(file, tmp_path / 'b.pth', 'mmpretrain', check=True)
    assert not trace.exists()


def test_nested_types_and_scopes():
    check_types(dict(type='mmpretrain.LN', a=[dict(type='GELU')]), 'x')
    with pytest.raises(ValueError, match=r"x\.a\[0\]\.type='builtins\.exec'"):
        check_types(dict(type='LN', a=[dict(type='builtins.exec')]), 'x')
    for name in ('mmdet.os.system', 'HuggingFaceClassifier', None, print):
        with pytest.raises(ValueError, match='can run code'):
            check_types(dict(type=name), 'x')


def test_a_classifier_without_config_does_not_tell_its_pooling(tmp_path):
    head = {
        'head.fc.weight': torch.zeros(3, 32),
        'head.fc.bias': torch.zeros(3),
    }
    file = tmp_path / 'a.pth'
    vit = MODELS.build(
        dict(
            type='VisionTransformer',
            arch='deit-tiny',
            img_size=32,
            patch_size=8,
        )
    )
    weights = {f'backbone.{k}': v for k, v in vit.state_dict().items()}
    torch.save(dict(state_dict={**weights, **head}), file)
    with pytest.raises(ValueError, match='class token or the mean'):
        export_backbone(file, tmp_path / 'b.pth', 'timm')
