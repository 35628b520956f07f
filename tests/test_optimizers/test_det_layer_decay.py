# Copyright (c) aemim_mm contributors. All rights reserved.
import copy

import pytest
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmpretrain.registry import MODELS
from torch import nn

from aemim_mm.models.necks import ViTPyramid

NAME = 'DetLayerDecayOptimWrapperConstructor'
DIM, LAYERS, RATE, LR, DECAY = 8, 12, 0.75, 0.1, 0.05
VIT = dict(
    arch=dict(
        embed_dims=DIM,
        num_layers=LAYERS,
        num_heads=2,
        feedforward_channels=DIM,
    ),
    img_size=32,
    patch_size=16,
)


def detector(**backbone):
    """What a detector of mmdet looks like to an optimizer."""
    backbone = {'type': 'VisionTransformer', **copy.deepcopy(VIT), **backbone}
    model = nn.Module()
    model.backbone = MODELS.build(backbone)
    model.neck = nn.Sequential(ViTPyramid(DIM))
    model.rpn_head = nn.Conv2d(DIM, 2, 1)
    model.roi_head = nn.Sequential(nn.Linear(DIM, 2), nn.LayerNorm(2))
    return model


def groups(model, constructor=NAME, **paramwise):
    """``{name: (learning rate, weight decay)}``."""
    wrapper = build_optim_wrapper(
        model,
        dict(
            optimizer=dict(type='AdamW', lr=LR, weight_decay=DECAY),
            constructor=constructor,
            paramwise_cfg=dict(
                layer_decay_rate=RATE,
                norm_decay_mult=0.0,
                bias_decay_mult=0.0,
                flat_decay_mult=0.0,
                custom_keys={
                    '.cls_token': dict(decay_mult=0.0),
                    '.pos_embed': dict(decay_mult=0.0),
                },
                **paramwise,
            ),
        ),
    )
    names = {id(p): name for name, p in model.named_parameters()}
    return {
        names[id(parameter)]: (group['lr'], group['weight_decay'])
        for group in wrapper.optimizer.param_groups
        for parameter in group['params']
    }


def test_the_learning_rate_falls_with_the_distance_to_the_head():
    model = detector(final_norm=False)
    found = groups(model)
    assert found.keys() == dict(model.named_parameters()).keys()
    seen = set()
    for name, (lr, _) in found.items():
        if not name.startswith('backbone.'):
            exponent = 0
        elif name.startswith('backbone.layers.'):
            exponent = LAYERS - int(name.split('.')[2])
        else:
            exponent = LAYERS + 1
        assert lr == pytest.approx(LR * RATE**exponent), name
        seen.add(exponent)
    assert seen == set(range(LAYERS + 2))
    # 0.75 ** 13, as in CAE's recipe
    assert found['backbone.pos_embed'][0] == pytest.approx(LR * 0.023757, 1e-4)
    assert found['neck.0.up4.0.weight'] == (LR, DECAY)
    assert found['roi_head.0.weight'] == (LR, DECAY)


def test_a_table_of_relative_positions_has_the_rate_of_its_block():
    model = detector(type='ResizableBEiT')
    found = groups(model)
    assert found.keys() == dict(model.named_parameters()).keys()
    for block in range(LAYERS):
        rate = LR * RATE ** (LAYERS - block)
        name = f'backbone.layers.{block}'
        table = f'{name}.attn.relative_position_bias_table'
        # They decay as in BEiT's fine-tuning, its vectors do not.
        assert found[table] == (pytest.approx(rate), DECAY)
        for vector in ('attn.q_bias', 'attn.v_bias', 'gamma_1', 'gamma_2'):
            assert found[f'{name}.{vector}'] == (pytest.approx(rate), 0)
    assert found['backbone.cls_token'] == (
        pytest.approx(LR * RATE ** (LAYERS + 1)),
        0,
    )


def test_no_decay_for_vectors_and_tokens():
    model = detector()
    found = groups(model)
    for name, parameter in model.named_parameters():
        spared = parameter.ndim == 1 or name in (
            'backbone.cls_token',
            'backbone.pos_embed',
        )
        assert found[name][1] == (0 if spared else DECAY), name
    assert found['backbone.layers.0.attn.qkv.weight'][1] == DECAY


def test_what_does_not_train_is_in_no_group():
    model = detector(type='DualNormViT', mask_ratio=0.0)
    frozen = dict(model.named_parameters()).keys() - groups(model).keys()
    assert frozen == {'backbone.pos_embed'}


def test_a_classifier_gets_what_the_stock_constructor_gives():
    cfg = dict(
        type='ImageClassifier',
        backbone=dict(type='VisionTransformer', **copy.deepcopy(VIT)),
        head=dict(type='LinearClsHead', num_classes=3, in_channels=DIM),
    )
    model = MODELS.build(cfg)
    ours = groups(model)
    stock = groups(model, 'LearningRateDecayOptimWrapperConstructor')
    assert ours == stock
    assert ours['head.fc.weight'] == (LR, DECAY)


@pytest.mark.parametrize('has_backbone', [True, False])
def test_a_model_without_depths_is_refused(has_backbone):
    model = nn.Module()
    model.head = nn.Linear(2, 2)
    if has_backbone:
        model.backbone = nn.Conv2d(3, 2, 1)
    kind = 'Conv2d' if has_backbone else 'NoneType'
    with pytest.raises(TypeError, match=rf'{kind}\) has .*get_layer_depth'):
        groups(model)


@pytest.mark.parametrize(
    'scope', ['mmpretrain', pytest.param('mmdet', marks=pytest.mark.det)]
)
@pytest.mark.parametrize('prefix', ['', 'mmpretrain.'])
def test_every_scope_knows_the_name(scope, prefix):
    model = detector()
    with DefaultScope.overwrite_default_scope(scope):
        found = groups(model, prefix + NAME)
    assert found['backbone.cls_token'][0] == pytest.approx(LR * RATE**13)
