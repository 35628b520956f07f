# Copyright (c) aemim_mm contributors. All rights reserved.
import dataclasses

import pytest
import timm
import torch

from aemim_mm.export.timm_vit import VIT, vit_arguments
from aemim_mm.export.vit import ViT

SMALL = ViT(384, 12, 6, 1536, 16, (224, 224), 3, 1e-6, True, False, 'token')
TINY = ViT(32, 2, 2, 64, 8, (32, 48), 1, 1e-6, True, False, 'token')


def _changed(vit, **fields):
    return dataclasses.replace(vit, **fields)


@pytest.mark.parametrize(
    'size, name',
    [
        (dict(), 'vit_small_patch16_224'),
        (
            dict(embed_dims=768, num_heads=12, feedforward_channels=3072),
            'vit_base_patch16_224',
        ),
    ],
)
def test_named_models_need_no_arguments(size, name):
    assert vit_arguments(_changed(SMALL, **size)) == (name, {})


def test_heads_that_are_not_the_named_ones_are_passed_on():
    name, kwargs = vit_arguments(_changed(SMALL, num_heads=12))
    model = timm.create_model(name, **kwargs)
    assert model.blocks[0].attn.num_heads == 12
    assert model.embed_dim == 384


def test_pooling():
    avg = _changed(SMALL, norm=False, pooled_norm=True, pooling='avg')
    assert vit_arguments(avg)[1] == dict(global_pool='avg')
    mean = _changed(SMALL, pooling='avg')
    assert vit_arguments(mean)[1] == dict(global_pool='avg', fc_norm=False)
    bare = _changed(SMALL, norm=False)
    assert vit_arguments(bare)[1] == dict(final_norm=False)


def test_generic_model_is_the_architecture():
    name, kwargs = vit_arguments(TINY)
    model = timm.create_model(name, **kwargs)
    assert len(model.blocks) == 2
    assert model.patch_embed.proj.weight.shape == (32, 1, 8, 8)
    assert model.pos_embed.shape == (1, 25, 32)
    assert model.blocks[0].mlp.fc1.out_features == 64
    assert model.blocks[0].attn.num_heads == 2


def test_what_timm_does_not_have():
    with pytest.raises(ValueError, match='ln1 and ln2.*final_norm=False'):
        vit_arguments(_changed(SMALL, pooled_norm=True))
    with pytest.raises(ValueError, match='eps=1e-05, timm.*(1e-06|1e-6)'):
        vit_arguments(_changed(SMALL, norm_eps=1e-5))


def test_all_keys_of_a_vit(zoo):
    renamed = VIT.rename(zoo.build('token').backbone.state_dict())
    model = timm.create_model('vit_tiny_patch16_224', depth=2, num_classes=0)
    assert renamed.keys() == model.state_dict().keys()


def test_tensors_go_where_they_belong():
    keys = {
        'layers.11.ln2.bias': 'blocks.11.norm2.bias',
        'layers.0.ffn.layers.0.0.weight': 'blocks.0.mlp.fc1.weight',
        'layers.0.ffn.layers.1.weight': 'blocks.0.mlp.fc2.weight',
        'ln1.weight': 'norm.weight',
        'ln2.weight': 'fc_norm.weight',
    }
    weights = {key: torch.tensor(i) for i, key in enumerate(keys)}
    renamed = VIT.rename(weights)
    assert {k: int(v) for k, v in renamed.items()} == {
        new: i for i, new in enumerate(keys.values())
    }
