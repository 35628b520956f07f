# Copyright (c) aemim_mm contributors. All rights reserved.
import dataclasses

import pytest
import timm
import torch

from aemim_mm.export.timm_vit import vit_model, vit_weights
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
    assert vit_model(_changed(SMALL, **size), 0) == (name, dict(num_classes=0))


def test_heads_that_are_not_the_named_ones_are_passed_on():
    name, kwargs = vit_model(_changed(SMALL, num_heads=12), 0)
    model = timm.create_model(name, **kwargs)
    assert model.blocks[0].attn.num_heads == 12
    assert model.embed_dim == 384


def test_pooling():
    avg = _changed(SMALL, norm=False, pooled_norm=True, pooling='avg')
    assert vit_model(avg, 10)[1] == dict(global_pool='avg', num_classes=10)
    mean = _changed(SMALL, pooling='avg')
    assert vit_model(mean, 0)[1] == dict(
        global_pool='avg', fc_norm=False, num_classes=0
    )
    bare = _changed(SMALL, norm=False)
    assert vit_model(bare, 0)[1] == dict(final_norm=False, num_classes=0)


def test_generic_model_is_the_architecture():
    name, kwargs = vit_model(TINY, 3)
    model = timm.create_model(name, **kwargs)
    assert len(model.blocks) == 2
    assert model.patch_embed.proj.weight.shape == (32, 1, 8, 8)
    assert model.pos_embed.shape == (1, 25, 32)
    assert model.blocks[0].mlp.fc1.out_features == 64
    assert model.blocks[0].attn.num_heads == 2


def test_what_timm_does_not_have():
    with pytest.raises(ValueError, match='ln1 and ln2.*final_norm=False'):
        vit_model(_changed(SMALL, pooled_norm=True), 0)
    with pytest.raises(ValueError, match='eps=1e-05, timm.*1e-06|1e-6'):
        vit_model(_changed(SMALL, norm_eps=1e-5), 0)


def test_head_of_the_weights():
    head = dict(weight=torch.ones(2, 3), bias=torch.zeros(2))
    weights = vit_weights({'cls_token': torch.ones(1)}, head)
    assert weights.keys() == {'cls_token', 'head.weight', 'head.bias'}
    assert vit_weights({}, None) == {}
