# Copyright (c) aemim_mm contributors. All rights reserved.
"""Exports against models that were built by hand in the target library."""

import dataclasses

import pytest
import timm
import torch
from mmpretrain.registry import MODELS
from safetensors.torch import load_file
from states import assert_equal_states

from aemim_mm.checkpoints import use_safe_loader
from aemim_mm.export import (
    backbone,
    export_backbone,
    load_export,
    timm_library,
    timm_swin,
)
from aemim_mm.export.swin import Swin

VIT = dict(
    model_name='vit_base_patch16_224',
    embed_dim=32,
    depth=2,
    num_heads=2,
    mlp_ratio=2,
    img_size=32,
    patch_size=8,
)
SWIN = dict(
    model_name='swin_tiny_patch4_window7_224',
    embed_dim=8,
    depths=(2, 2, 1, 2),
    num_heads=(1, 2, 4, 8),
    img_size=64,
    window_size=2,
)


def in_timm(out, **options):
    """The network of timm with exported weights."""
    return timm.create_model(checkpoint_path=str(out), **options).eval()


def exported(zoo, kind, suffix='.pth'):
    """A model, and what is exported of it for timm."""
    model = zoo.build(kind)
    out = zoo.folder / f'out{suffix}'
    export_backbone(zoo.save(kind, model=model), out, 'timm')
    return model, out


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
@pytest.mark.parametrize(
    'kind, kwargs, size',
    [
        ('token', dict(VIT, global_pool='token'), 32),
        ('avg', dict(VIT, global_pool='avg'), 32),
        ('gap', dict(VIT, global_pool='avg', fc_norm=False), 32),
        ('probe', dict(VIT, global_pool='token'), 32),
        ('swin', SWIN, 64),
    ],
)
def test_timm_classifiers_have_equal_logits(
    zoo, images, kind, kwargs, size, suffix
):
    model, out = exported(zoo, kind, suffix)
    other = in_timm(out, num_classes=5, **kwargs)
    x = images(size)
    with torch.no_grad():
        wanted = model(x)
        assert wanted.std() > 0.1
        assert (other(x) - wanted).abs().max() < 1e-4 / 5


def test_the_merging_order_matters(zoo, images, monkeypatch):
    """The test above would fail without the permutation."""
    rules = tuple(rule._replace(change=None) for rule in timm_swin.SWIN.rules)
    unchanged = dataclasses.replace(timm_swin.SWIN, rules=rules)
    monkeypatch.setitem(timm_library.NETWORKS, Swin, unchanged)
    model, out = exported(zoo, 'swin')
    other = in_timm(out, num_classes=5, **SWIN)
    x = images(64)
    with torch.no_grad():
        assert (other(x) - model(x)).abs().max() > 0.01


@pytest.mark.parametrize('kind', ['aemim', 'mae', 'cim'])
def test_pretrained_encoder_in_timm(zoo, images, kind):
    model, out = exported(zoo, kind)
    x = images(32)
    with torch.no_grad():
        wanted = model.backbone(x, mask=None)[-1]
        for pool, pooled in (
            (dict(global_pool='token'), wanted[:, 0]),
            (dict(global_pool='avg', fc_norm=False), wanted[:, 1:].mean(1)),
        ):
            other = in_timm(out, num_classes=0, **pool, **VIT)
            assert torch.allclose(other(x), pooled, atol=1e-5)


def test_simmim_in_timm(zoo, images):
    model, out = exported(zoo, 'simmim')
    other = in_timm(out, num_classes=0, **SWIN)
    x = images(64)
    with torch.no_grad():
        wanted = model.backbone(x, mask=None)[-1].permute(0, 2, 3, 1)
        assert torch.allclose(other.forward_features(x), wanted, atol=2e-5)


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_mmpretrain_loads_all_of_it(zoo, suffix):
    use_safe_loader()
    model = zoo.build('aemim')
    out = zoo.folder / f'out{suffix}'
    export_backbone(zoo.save('aemim', model=model), out, 'mmpretrain')
    cfg = dict(zoo.models['token']['backbone'])
    cfg['init_cfg'] = dict(
        type='Pretrained', checkpoint=str(out), prefix='backbone.'
    )
    encoder = MODELS.build(cfg)
    encoder.init_weights()
    assert_equal_states(encoder, model.backbone)


def test_what_is_reported(zoo):
    out = zoo.folder / 'out.pth'
    export = export_backbone(zoo.save('avg'), out, 'timm', check=True)
    weights, meta = load_export(out)
    assert export.num_tensors == len(weights)
    assert export.passed
    assert export.differences.keys() == {'features', 'logits'}
    assert str(out) in export.load
    assert "checkpoint_path='out.pth'" in meta['load']
    assert meta['source']['sha256'] == export.source.sha256()


def test_a_folded_norm_is_not_rounded_once_more(zoo):
    out = zoo.folder / 'timm'
    args = dict(dtype=torch.bfloat16, check=True)
    export = export_backbone(zoo.save('probe'), out, 'timm', **args)
    assert export.passed
    weights = load_file(out / 'model.safetensors')
    types = {key: value.dtype for key, value in weights.items()}
    assert types.pop('head.weight') == types.pop('head.bias') == torch.float32
    assert set(types.values()) == {torch.bfloat16}


def test_what_was_exported_is_exported_again(zoo):
    first, second = zoo.folder / 'a.pth', zoo.folder / 'b.pth'
    export_backbone(zoo.save('avg'), first, 'mmdet')
    again = export_backbone(first, second, 'timm', check=True)
    assert again.passed and not again.meta['architecture']['pooled_norm']
    # Its metadata do not tell the eps of a batch norm.
    export_backbone(zoo.save('probe'), first, 'mmpretrain', force=True)
    with pytest.raises(ValueError, match='batch norm.*--config'):
        export_backbone(first, second, 'timm', force=True)


def test_types(zoo):
    state = {k: v.half() for k, v in zoo.build('mae').state_dict().items()}
    path = zoo.save('mae', state_dict=state)
    for dtype, wanted in (
        (None, torch.float16),
        (torch.bfloat16, torch.bfloat16),
        (torch.float32, torch.float32),
    ):
        out = zoo.folder / 'out.safetensors'
        export = export_backbone(
            path, out, 'timm', dtype=dtype, check=True, force=True
        )
        assert export.passed
        assert {v.dtype for v in load_export(out)[0].values()} == {wanted}


def test_nothing_is_written_if_the_check_fails(zoo, monkeypatch):
    monkeypatch.setattr(
        backbone, 'compare', lambda *args: dict(features=float('nan'))
    )
    out = zoo.folder / 'out.pth'
    export = export_backbone(zoo.save('mae'), out, 'timm', check=True)
    assert not export.passed
    assert sorted(p.name for p in zoo.folder.iterdir()) == ['mae.pth']


def test_a_failing_check_keeps_the_former_file(zoo, monkeypatch):
    monkeypatch.setattr(backbone, 'compare', lambda *args: dict(features=1.0))
    out = zoo.folder / 'out.pth'
    out.write_text('former')
    export_backbone(zoo.save('mae'), out, 'timm', check=True, force=True)
    assert out.read_text() == 'former'


def test_an_export_can_be_exported_again(zoo, images):
    """A file for mmpretrain serves as a checkpoint without config."""
    model = zoo.build('swin')
    first = zoo.folder / 'first.safetensors'
    export_backbone(zoo.save('swin', model=model), first, 'mmpretrain')
    out = zoo.folder / 'out.pth'
    export_backbone(first, out, 'timm')
    other = in_timm(out, num_classes=5, **SWIN)
    x = images(64)
    with torch.no_grad():
        assert torch.allclose(other(x), model(x), atol=2e-5)
