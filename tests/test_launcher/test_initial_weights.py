# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import timm
import torch
from mmengine.config import Config
from mmpretrain.registry import MODELS
from toys import ARCH

from aemim_mm.launcher.initial_weights import (
    convert_from_timm,
    initial_weights,
)

VIT = dict(type='DualNormViT', arch=ARCH, img_size=32, patch_size=8)
SWIN = dict(
    type='SimMIMSwinTransformer',
    arch=dict(embed_dims=32, depths=[1, 1, 2, 1], num_heads=[1, 2, 4, 8]),
    img_size=64,
    stage_cfgs=dict(block_cfgs=dict(window_size=2)),
)


def timm_vit(**options):
    return timm.create_model(
        'vit_base_patch16_224',
        **dict(
            embed_dim=ARCH['embed_dims'],
            depth=ARCH['num_layers'],
            num_heads=ARCH['num_heads'],
            mlp_ratio=ARCH['feedforward_channels'] / ARCH['embed_dims'],
            img_size=32,
            patch_size=8,
        ),
        **options,
    )


def timm_swin():
    return timm.create_model(
        'swin_tiny_patch4_window7_224',
        embed_dim=32,
        depths=(1, 1, 2, 1),
        num_heads=(1, 2, 4, 8),
        img_size=64,
        window_size=2,
    )


@torch.no_grad()
@pytest.mark.parametrize(
    ('build', 'backbone'), [(timm_vit, VIT), (timm_swin, SWIN)]
)
def test_features_are_those_of_timm(build, backbone):
    model = build()
    for parameter in model.parameters():  # norms and biases too
        torch.nn.init.normal_(parameter, std=0.2)
    encoder = MODELS.build({**backbone})
    weights = convert_from_timm(model.state_dict(), backbone)
    encoder.load_state_dict(
        {k.removeprefix('backbone.'): v for k, v in weights.items()}, False
    )
    model.eval(), encoder.eval()
    images = torch.randn(2, 3, *[backbone['img_size']] * 2)
    theirs = model.forward_features(images)
    (ours,) = encoder(images, mask=None)
    if theirs.ndim == 4:
        theirs = theirs.permute(0, 3, 1, 2)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ('options', 'named'),
    [
        (dict(init_values=0.1), 'ls1.gamma'),
        (dict(qkv_bias=False), 'qkv.bias'),
        (dict(reg_tokens=2), 'reg_token'),
    ],
)
def test_another_architecture_is_refused(options, named):
    with pytest.raises(ValueError, match=named):
        convert_from_timm(timm_vit(**options).state_dict(), VIT)


@pytest.fixture
def cfg(monkeypatch, tmp_path):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    return Config(dict(model=dict(backbone=VIT)))


def test_a_model_of_timm_is_converted_once(cfg, monkeypatch, tmp_path, capsys):
    asked = []

    def create_model(name, pretrained):
        asked.append((name, pretrained))
        model = timm_vit()
        model.pretrained_cfg = dict(license='cc-by-nc-4.0')
        return model

    # timm_vit itself calls the function
    real = timm.models.create_model
    monkeypatch.setattr(
        timm,
        'create_model',
        lambda name, pretrained=False, **kwargs: (
            create_model(name, pretrained)
            if pretrained
            else real(name, **kwargs)
        ),
    )
    path = initial_weights('timm:vit_x.mae', cfg)
    assert path == f'{tmp_path}/hub/aemim_timm/vit_x.mae.pth'
    assert 'cc-by-nc-4.0' in capsys.readouterr().out
    content = torch.load(path, weights_only=True)
    assert content['meta'] == dict(
        source='timm:vit_x.mae', license='cc-by-nc-4.0'
    )
    # a converted file is itself one to start from
    assert initial_weights(path, cfg) == path
    assert initial_weights('timm:vit_x.mae', cfg) == path
    assert asked == [('vit_x.mae', True)]


def test_without_a_network(cfg, monkeypatch):
    def create_model(name, pretrained):
        raise OSError('no route')

    monkeypatch.setattr(timm, 'create_model', create_model)
    with pytest.raises(FileNotFoundError, match='timm:vit_x.*no route'):
        initial_weights('timm:vit_x', cfg)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ({'blocks.0.norm1.weight': torch.zeros(1)}, 'another library.*blocks'),
        ({'model': {'x': torch.zeros(1)}}, 'format of another library'),
    ],
)
def test_a_foreign_file(cfg, tmp_path, content, message):
    path = tmp_path / 'foreign.pth'
    torch.save(content, path)
    with pytest.raises(ValueError, match=message):
        initial_weights(str(path), cfg)


def test_bad_files(cfg, tmp_path):
    with pytest.raises(FileNotFoundError, match='no file nowhere.*timm:NAME'):
        initial_weights('nowhere', cfg)
    path = tmp_path / 'damaged.pth'
    path.write_bytes(b'PK not a zip')
    with pytest.raises(ValueError, match=r'init: .*damaged\.pth'):
        initial_weights(str(path), cfg)
