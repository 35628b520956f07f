# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from mmpretrain.registry import MODELS

from aemim_mm.export.architecture import named_arch
from aemim_mm.export.vit import ViT


def _weights(arch, **options):
    cfg = dict(type='VisionTransformer', arch=arch, **options)
    return MODELS.build(cfg).state_dict()


@pytest.fixture
def vit_of(source_of):
    def find(weights, backbone=None, **parts):
        source = source_of(weights, backbone, **parts)
        return ViT.of(source, named_arch(backbone or {}))

    return find


def test_from_shapes_alone(vit_of):
    vit = vit_of(_weights('deit-tiny', img_size=64))
    assert vit == ViT(
        embed_dims=192,
        num_layers=12,
        num_heads=3,
        feedforward_channels=768,
        patch_size=16,
        img_size=(64, 64),
        in_channels=3,
        norm_eps=1e-6,
        norm=True,
        pooled_norm=False,
        pooling='token',
    )


@pytest.mark.parametrize('arch, heads', [('deit-small', 6), ('base', 12)])
def test_heads_of_the_usual_sizes(vit_of, arch, heads):
    cfg = dict(type='VisionTransformer', arch=arch, img_size=16)
    width, depth = 64 * heads, 12
    zeros = torch.zeros
    weights = {
        'pos_embed': zeros(1, 2, width),
        'patch_embed.projection.weight': zeros(width, 3, 16, 16),
        'layers.0.ffn.layers.0.0.weight': zeros(4 * width, 1),
        f'layers.{depth - 1}.ln1.weight': zeros(width),
    }
    assert vit_of(weights).num_heads == heads
    assert vit_of(weights, cfg).num_heads == heads


def test_config_tells_what_shapes_do_not(zoo, vit_of):
    weights = zoo.build('token').backbone.state_dict()
    backbone = dict(
        zoo.models['token']['backbone'], norm_cfg=dict(type='LN', eps=1e-3)
    )
    vit = vit_of(weights, backbone)
    assert (vit.num_heads, vit.norm_eps) == (2, 1e-3)
    with pytest.raises(ValueError, match=r'heads.*32 channels and 2 .*--conf'):
        vit_of(weights)


def test_pooling(zoo, vit_of):
    def pooling(kind):
        cfg = zoo.models[kind]
        weights = zoo.build(kind).backbone.state_dict()
        vit = vit_of(weights, **cfg)
        return vit.norm, vit.pooled_norm, vit.pooling

    assert pooling('token') == (True, False, 'token')
    assert pooling('avg') == (False, True, 'avg')
    assert pooling('gap') == (True, False, 'avg')
    assert pooling('mae') == (True, False, 'token')


def test_images_that_are_not_square(vit_of):
    weights = _weights('deit-tiny', img_size=(32, 48), patch_size=16)
    cfg = dict(type='VisionTransformer', arch='deit-tiny', img_size=(32, 48))
    assert vit_of(weights, cfg).img_size == (32, 48)
    with pytest.raises(ValueError, match='6 patches.*not a square'):
        vit_of(weights)


def test_no_place_for_a_class_token(vit_of):
    weights = _weights('deit-tiny', img_size=32)
    weights['pos_embed'] = weights['pos_embed'][:, 1:]
    cfg = dict(type='VisionTransformer', arch='deit-tiny', img_size=32)
    with pytest.raises(ValueError, match='4 entries.*cannot be converted'):
        vit_of(weights, cfg)


@pytest.mark.parametrize(
    'norm, eps',
    [({}, 1e-6), (dict(type='LN'), 1e-5), (dict(type='LN', eps=1e-3), 1e-3)],
)
def test_epsilon_is_that_of_the_model(vit_of, norm, eps):
    cfg = dict(type='VisionTransformer', arch='deit-tiny', img_size=16)
    if norm:
        cfg['norm_cfg'] = norm
    model = MODELS.build(cfg)
    assert vit_of(model.state_dict(), cfg).norm_eps == eps == model.ln1.eps


def test_incomplete_weights(zoo, vit_of):
    weights = zoo.build('token').backbone.state_dict()
    del weights['patch_embed.projection.weight']
    with pytest.raises(ValueError, match='lacks patch_embed'):
        vit_of(weights)


def test_backbone_config_builds_the_same_keys(zoo, vit_of):
    for kind in ('token', 'avg'):
        weights = zoo.build(kind).backbone.state_dict()
        cfg = zoo.models[kind]
        vit = vit_of(weights, **cfg)
        MODELS.build(vit.backbone()).load_state_dict(weights, strict=True)
        assert vit.backbone(out_type='raw')['out_type'] == 'raw'


@pytest.mark.parametrize(
    'options, message',
    [
        (
            dict(layer_cfgs=dict(act_cfg=dict(type='QuickGELU'))),
            'has the activation QuickGELU',
        ),
        (
            dict(layer_cfgs=[{}, dict(act_cfg=dict(type='ReLU'))] * 6),
            'has the activation ReLU',
        ),
        (
            dict(
                layer_cfgs=dict(act_cfg=dict(type='GELU', approximate='tanh'))
            ),
            r'has the activation GELU \(tanh\)',
        ),
        (
            dict(patch_cfg=dict(stride=8)),
            'has patches of 16 pixels every 8 pixels',
        ),
    ],
)
def test_what_has_no_weights_is_refused(vit_of, options, message):
    cfg = dict(type='VisionTransformer', arch='deit-tiny', img_size=32)
    weights = MODELS.build(cfg).state_dict()
    usual = dict(
        layer_cfgs=dict(act_cfg=dict(type='GELU'), drop_rate=0.1),
        patch_cfg=dict(stride=16),
    )
    assert vit_of(weights, {**cfg, **usual}).num_layers == 12
    with pytest.raises(ValueError, match=f'{message}. Such a variant'):
        vit_of(weights, {**cfg, **options})
