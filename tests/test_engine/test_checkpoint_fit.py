# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from mmpretrain.models import VisionTransformer
from torch import nn

from aemim_mm.engine.checkpoint_fit import (
    describe_keys,
    describe_prefixes,
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
    # The module itself is untouched: values, device, hooks.
    for key, value in net.state_dict().items():
        assert torch.equal(value, before[key])
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


def test_state_dict_of():
    weights = {'module.backbone.a': 1, 'backbone.b': 2, 'backbones.c': 3}
    assert state_dict_of(dict(state_dict=weights)) == {
        'backbone.a': 1,
        'backbone.b': 2,
        'backbones.c': 3,
    }
    assert state_dict_of(weights, 'backbone') == {'b': 2}
    assert state_dict_of(weights, 'backbone.') == {'b': 2}


def test_descriptions():
    assert describe_keys('missing', ()) == ''
    keys = tuple('abcdefg')
    assert (
        describe_keys('missing', keys)
        == '\n  missing: a, b, c, d, e, and 2 more'
    )
    assert describe_keys('shapes', {'a': '1 or 2'}) == '\n  shapes: a (1 or 2)'
    content = dict(state_dict={'a.x': 0, 'b.x': 0, 'b.y': 0, 'c': 0})
    assert describe_prefixes(content) == 'b. (2 keys), a. (1 keys), c (1 keys)'
