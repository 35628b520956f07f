# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from toys import ARCH

from aemim_mm.export.architecture import find_architecture, named_arch
from aemim_mm.export.swin import Swin
from aemim_mm.export.vit import ViT


@pytest.mark.parametrize(
    'kind, cls, heads',
    [
        ('aemim', ViT, 2),
        ('mae', ViT, 2),
        ('avg', ViT, 2),
        ('simmim', Swin, (1, 2, 4, 8)),
        ('swin', Swin, (1, 2, 4, 8)),
    ],
)
def test_finds_it(zoo, kind, cls, heads):
    architecture = find_architecture(zoo.source(kind))
    assert isinstance(architecture, cls)
    assert architecture.num_heads == heads


def _without(part):
    return lambda s: {k: v for k, v in s.items() if part not in k}


@pytest.mark.parametrize(
    'change, says',
    [
        (
            _without('backbone.layers.1.attn.qkv.bias'),
            'missing in the file: layers.1.attn.qkv.bias',
        ),
        # Layer scale, say: the plain network would ignore it.
        (
            lambda s: {**s, 'backbone.layers.0.gamma_1': torch.ones(32)},
            'not in that network: layers.0.gamma_1',
        ),
        (
            lambda s: {**s, 'backbone.ln1.weight': torch.ones(3)},
            'different shapes: ln1.weight',
        ),
        (
            _without('pos_embed'),
            "MAEViT.*neither a Vision.*prefix='backbone.'",
        ),
    ],
    ids=['deleted key', 'variant', 'another shape', 'another architecture'],
)
def test_another_network(zoo, change, says):
    state = change(zoo.build('mae').state_dict())
    with pytest.raises(ValueError, match=f'(?s){says}'):
        find_architecture(zoo.source('mae', state_dict=state))


@pytest.mark.parametrize(
    'kind, backbone, message',
    [
        (
            'swin',
            dict(type='SwinTransformer', arch='base'),
            'embed_dims=128, the weights say 8',
        ),
        (
            'mae',
            dict(type='MAEViT', arch='b'),
            'embed_dims=768, the weights say 32',
        ),
        (
            'mae',
            dict(type='MAEViT', arch=dict(ARCH, feedforward_channels=96)),
            'feedforward_channels=96, the weights say 64',
        ),
        ('mae', dict(type='Nowhere', arch='b'), "'Nowhere' with .*--config"),
        (
            'mae',
            dict(type='MAEViT', arch='vit-s'),
            "arch='vit-s' of.*not in default",
        ),
    ],
)
def test_config_of_another_model(zoo, kind, backbone, message):
    source = zoo.source(kind)
    source.config['model']['backbone'] = backbone
    with pytest.raises(ValueError, match=message):
        find_architecture(source)


def test_tuples_and_lists_are_equal(zoo):
    source = zoo.source('swin')
    arch = source.config['model']['backbone']['arch']
    arch.update(depths=tuple(arch['depths']))
    assert find_architecture(source).depths == (2, 2, 1, 2)


def test_names_are_those_of_the_class():
    assert named_arch(dict(type='MAEViT', arch='b'))['num_heads'] == 12
    # not the ViT-S of the papers
    small = named_arch(dict(type='MAEViT', arch='small'))
    assert (small['embed_dims'], small['num_heads']) == (768, 8)
    moco = dict(
        type='mmpretrain.MoCoV3ViT', arch='mocov3-small', patch_size=16
    )
    assert named_arch(moco)['num_heads'] == 12


def test_default_of_a_class_that_passes_arguments_on():
    assert named_arch(dict(type='DualNormViT'))['embed_dims'] == 768
    assert named_arch(dict(type='SwinTransformer'))['embed_dims'] == 96


def test_no_pretrained_weights_are_looked_for():
    init = dict(type='Pretrained', checkpoint='nowhere.pth')
    cfg = dict(type='MAEViT', arch='deit-tiny', init_cfg=init)
    assert named_arch(cfg)['num_heads'] == 3


def test_no_config_names_nothing():
    assert named_arch({}) == {}
