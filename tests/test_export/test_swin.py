# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from mmpretrain.registry import MODELS

from aemim_mm.export.swin import Swin

TABLE = 'stages.1.blocks.1.attn.w_msa.relative_position_bias_table'


@pytest.fixture
def swin_of(source_of):
    return lambda weights, backbone=None: Swin.of(
        source_of(weights, backbone), {}
    )


def test_from_shapes_alone(zoo, swin_of):
    swin = swin_of(zoo.build('swin').backbone.state_dict())
    assert swin == Swin(
        embed_dims=8,
        depths=(2, 2, 1, 2),
        num_heads=(1, 2, 4, 8),
        window_size=2,
        patch_size=4,
        img_size=(64, 64),
        in_channels=3,
        norms=(3,),
    )


def test_config_tells_the_image_size(zoo, swin_of):
    weights = zoo.build('simmim').backbone.state_dict()
    backbone = dict(zoo.models['simmim']['backbone'], img_size=128)
    assert swin_of(weights, backbone).img_size == (128, 128)


def test_weights_that_are_incomplete_or_odd(zoo, swin_of):
    weights = zoo.build('swin').backbone.state_dict()
    odd = dict(weights, **{TABLE: torch.zeros(25, 2)})
    with pytest.raises(ValueError, match=r'different size, \[2, 3\]'):
        swin_of(odd)
    del weights['norm3.weight']
    with pytest.raises(ValueError, match='norm3.weight.*incomplete'):
        swin_of(weights)


def test_backbone_config_builds_the_same_keys(zoo, swin_of):
    weights = zoo.build('swin').backbone.state_dict()
    model = MODELS.build(swin_of(weights).backbone())
    model.load_state_dict(weights, strict=True)
