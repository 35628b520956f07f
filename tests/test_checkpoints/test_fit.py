# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from mmpretrain.models import VisionTransformer
from states import assert_equal_states
from torch import nn

from aemim_mm.checkpoints.fit import (
    CheckpointFit,
    fit_checkpoint,
    state_dict_of,
)


def _net():
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))


def test_everything_fits():
    net = _net()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    fit = fit_checkpoint(net, _net().state_dict())
    assert (fit.total, fit.loaded, str(fit)) == (9, 9, '9 of 9 keys')
    assert fit.missing == fit.unexpected == () and not fit.mismatched
    assert fit.keys == tuple(net.state_dict())
    # The module itself is untouched: values, device, hooks.
    assert_equal_states(net, before)
    assert not net._load_state_dict_post_hooks


def test_all_three_kinds_of_misfit_together():
    state = _net().state_dict()
    del state['0.bias'], state['1.num_batches_tracked']
    state['2.weight'] = torch.zeros(1, 4)
    state['3.weight'] = torch.zeros(1)
    fit = fit_checkpoint(_net(), state)
    assert fit.missing == ('0.bias',)
    assert fit.unexpected == ('3.weight',)
    assert list(fit.mismatched) == ['2.weight']
    assert '[1, 4]' in fit.mismatched['2.weight']
    assert '[1, 3]' in fit.mismatched['2.weight']
    assert fit.loaded == 7


def test_no_weight_is_copied():
    net = nn.Linear(4, 4, dtype=torch.float16)
    seen = []

    def hook(module, *args):
        seen.append((module.weight.is_meta, module.weight.dtype))

    net.register_load_state_dict_pre_hook(hook)
    fit_checkpoint(net, net.state_dict())
    assert seen == [(True, torch.float16)]
    assert not net.weight.is_meta


def test_load_hooks_resize():
    arch = dict(
        embed_dims=8, num_layers=1, num_heads=2, feedforward_channels=8
    )
    small = VisionTransformer(arch, img_size=32, patch_size=16)
    large = VisionTransformer(arch, img_size=64, patch_size=16)
    fit = fit_checkpoint(large, small.state_dict())
    assert fit.loaded == fit.total
    # Without its hook the position embedding would not fit.
    assert small.pos_embed.shape != large.pos_embed.shape
    wide = VisionTransformer(
        {**arch, 'embed_dims': 12}, img_size=32, patch_size=16
    )
    assert 'cls_token' in fit_checkpoint(wide, small.state_dict()).mismatched


def test_other_errors_of_a_load_are_passed_on():
    net = nn.Linear(1, 1)

    def hook(module, state, prefix, meta, strict, missing, unexpected, error):
        error.append('cannot convert')

    net.register_load_state_dict_pre_hook(hook)
    with pytest.raises(RuntimeError, match='cannot convert'):
        fit_checkpoint(net, net.state_dict())


def test_surplus_is_a_block_more_or_a_part_more_in_a_block():
    fit = CheckpointFit(
        keys=('cls_token', 'layers.0.ln1.weight', 'stages.0.blocks.0.fc'),
        missing=(),
        unexpected=(
            'layers.1.ln1.weight',
            'layers.0.gamma.weight',
            'stages.0.blocks.1.fc',
            'stages.1.downsample.weight',
            # Parts of their own, which the module does not have.
            'ln1.weight',
            'mask_token',
            'fpn.0.weight',
            'decoder_layers.0.ln1.weight',
        ),
        mismatched={},
    )
    assert fit.surplus == fit.unexpected[:4]


def test_a_deeper_file_has_a_surplus():
    arch = dict(
        embed_dims=8, num_layers=3, num_heads=2, feedforward_channels=8
    )
    deep = VisionTransformer(arch, img_size=32, patch_size=16)
    shallow = VisionTransformer(
        {**arch, 'num_layers': 2},
        img_size=32,
        patch_size=16,
        out_type='avg_featmap',
        final_norm=False,
    )
    fit = fit_checkpoint(shallow, deep.state_dict())
    # What is not in the target at all, ln1 here, is not surplus.
    assert {'ln1.weight', 'ln1.bias'} <= set(fit.unexpected)
    assert len(fit.surplus) == 12
    assert all(key.startswith('layers.2.') for key in fit.surplus)
    assert not fit_checkpoint(shallow, shallow.state_dict()).surplus


def _tensors(*keys):
    return {key: torch.full((1,), float(i)) for i, key in enumerate(keys)}


def test_state_dict_of():
    weights = _tensors('module.backbone.a', 'backbone.b', 'backbones.c')
    found = state_dict_of(dict(state_dict=weights, meta='anything'))
    assert found == {
        'backbone.a': torch.zeros(1),
        'backbone.b': torch.ones(1),
        'backbones.c': torch.full((1,), 2.0),
    }
    # A flat dict of tensors.
    assert state_dict_of(weights, 'backbone') == {'b': torch.ones(1)}
    assert state_dict_of(weights, 'backbone.') == {'b': torch.ones(1)}


def test_extra_state_may_be_anything():
    weights = {**_tensors('a'), 'b._extra_state': dict(x=1)}
    assert state_dict_of(weights).keys() == weights.keys()


@pytest.mark.parametrize(
    'content, reason',
    [
        (
            dict(model={}, optimizer={}, epoch=3),
            r"it is not a flat dict of tensors, 'model' is a dict "
            r'\(all keys: model, optimizer, epoch\)',
        ),
        (
            dict(state_dict=dict(a=torch.zeros(1), b=0)),
            r"its 'state_dict' is not a flat dict of tensors, 'b' is a int",
        ),
        (
            dict(state_dict=[1]),
            r"'state_dict' of the checkpoint is a list",
        ),
    ],
)
def test_anything_else_is_refused_with_the_reason(content, reason):
    with pytest.raises(ValueError, match=reason) as error:
        state_dict_of(content)
    assert "Accepted are a dict with 'state_dict' and a flat" in str(
        error.value
    )
