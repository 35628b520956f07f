# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
import torch.nn.functional as F
from mmengine.registry import MODELS, DefaultScope
from mmpretrain.registry import MODELS as MMPRETRAIN_MODELS
from torch import nn

from aemim_mm.models.necks import ViTPyramid

CHANNELS = 6


def taps(height=5, width=7, count=4):
    return [torch.randn(2, CHANNELS, height, width) for _ in range(count)]


def test_strides_of_4_8_16_and_32_at_an_odd_size():
    maps = ViTPyramid(CHANNELS)(taps())
    assert isinstance(maps, tuple)
    assert [tuple(m.shape) for m in maps] == [
        (2, CHANNELS, 20, 28),
        (2, CHANNELS, 10, 14),
        (2, CHANNELS, 5, 7),
        (2, CHANNELS, 2, 3),
    ]


def test_values_of_every_level():
    neck, features = ViTPyramid(CHANNELS), taps()
    first, norm, _, second = neck.up4

    def double(x, layer):
        # Each pixel becomes 2 x 2 of its own: kernel and stride are equal.
        y = torch.einsum('bchw,cdij->bdhiwj', x, layer.weight)
        return y.flatten(4, 5).flatten(2, 3) + layer.bias.view(-1, 1, 1)

    x = double(features[0], first)
    x = F.batch_norm(x, None, None, norm.weight, norm.bias, training=True)
    expected = (
        double(F.gelu(x), second),
        double(features[1], neck.up2),
        features[2],
        F.max_pool2d(features[3], 2),
    )
    for ours, theirs in zip(neck(features), expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_all_parameters_learn():
    neck = ViTPyramid(CHANNELS)
    sum(m.square().sum() for m in neck(taps())).backward()
    grads = {name: p.grad for name, p in neck.named_parameters()}
    assert len(grads) == 8
    # What precedes the norm cannot shift its output.
    assert all(
        grad.abs().max() > 0
        for name, grad in grads.items()
        if name != 'up4.0.bias'
    )
    assert grads['up4.0.bias'] is not None


def test_the_norm_is_synchronised_unless_another_is_named():
    assert isinstance(ViTPyramid(CHANNELS).up4[1], nn.SyncBatchNorm)
    plain = ViTPyramid(CHANNELS, norm_cfg=dict(type='BN'))
    assert type(plain.up4[1]) is nn.BatchNorm2d
    # A checkpoint of one loads into the other.
    plain.load_state_dict(ViTPyramid(CHANNELS).state_dict())


@pytest.mark.parametrize('count', [1, 3, 5])
def test_other_than_four_maps_are_refused(count):
    with pytest.raises(ValueError, match=f'gives {count}.*out_indices'):
        ViTPyramid(CHANNELS)(taps(count=count))


@pytest.mark.parametrize(
    'scope',
    ['mmpretrain', 'mmengine', pytest.param('mmdet', marks=pytest.mark.det)],
)
@pytest.mark.parametrize('prefix', ['', 'mmpretrain.'])
def test_every_scope_knows_the_name(scope, prefix):
    with DefaultScope.overwrite_default_scope(scope):
        cfg = dict(type=f'{prefix}ViTPyramid', in_channels=CHANNELS)
        assert type(MODELS.build(cfg)) is ViTPyramid
    assert MMPRETRAIN_MODELS.get('ViTPyramid') is ViTPyramid


@pytest.mark.det
def test_under_the_feature_pyramid_of_mmdet():
    from mmdet.registry import MODELS as MMDET_MODELS

    with DefaultScope.overwrite_default_scope('mmdet'):
        neck = MMDET_MODELS.build(
            [
                dict(type='ViTPyramid', in_channels=CHANNELS),
                dict(
                    type='FPN',
                    in_channels=[CHANNELS] * 4,
                    out_channels=3,
                    num_outs=5,
                ),
            ]
        )
    assert [tuple(m.shape) for m in neck(taps(5, 7))] == [
        (2, 3, 20, 28),
        (2, 3, 10, 14),
        (2, 3, 5, 7),
        (2, 3, 2, 3),
        (2, 3, 1, 2),
    ]
