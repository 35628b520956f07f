# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from mmpretrain.models import SwinTransformer
from mmpretrain.registry import MODELS

from aemim_mm.models.backbones import ResizableSwin
from aemim_mm.models.backbones.resizable_swin import (
    resize_relative_position_table,
)

# Values of mmpretrain's resize_relative_position_bias_table with SciPy 1.13.1,
# which has interp2d, for the table below.
ROWS = [0, 1, 6, 13, 40, 84, 100, 168]
FROM_11_TO_13 = [
    [-2.2002217519911937e-05, 0.9916170835494995],
    [-0.6594241261482239, -1.3662298917770386],
    [-0.9613970518112183, -0.1489998698234558],
    [-0.20645810663700104, 0.9968447089195251],
    [0.386882483959198, -1.5945430994033813],
    [0.2021203637123108, -0.9972405433654785],
    [0.3074226677417755, 0.4681068956851959],
    [-0.3958570659160614, 0.9616100788116455],
]
SUMS = {
    13: [1.0772457122802734, -5.315117359161377],
    23: [19.702720642089844, -97.21393585205078],
    9: [0.30806082487106323, -1.5199167728424072],
}
ABS_SUMS_13 = [100.9324951171875, 99.22885131835938]


def table(size=11, heads=2):
    numbers = torch.arange(size * size * heads, dtype=torch.float32)
    return torch.sin(numbers * 1.7).view(-1, heads)


def swin(window, cls=ResizableSwin):
    return cls(
        arch=dict(embed_dims=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2]),
        img_size=32 * window,
        window_size=window,
    )


def close(actual, expected):
    torch.testing.assert_close(
        actual, torch.tensor(expected), rtol=0, atol=2e-5
    )


def test_values_of_the_library():
    resized = resize_relative_position_table(table(), 13)
    assert resized.shape == (169, 2) and resized.dtype == torch.float32
    torch.testing.assert_close(
        resized[ROWS], torch.tensor(FROM_11_TO_13), rtol=0, atol=1e-6
    )
    close(resized.abs().sum(0), ABS_SUMS_13)


@pytest.mark.parametrize('size', SUMS)
def test_sums_of_the_library(size):
    close(resize_relative_position_table(table(), size).sum(0), SUMS[size])


def test_the_centre_stays():
    for size in (5, 9, 13, 27):
        resized = resize_relative_position_table(table(), size)
        middle = resized[size * size // 2]
        torch.testing.assert_close(middle, table()[60])


@pytest.mark.parametrize('length', [9, 36, 120])
def test_what_is_no_table(length):
    with pytest.raises(ValueError, match=rf'\({length}, 2\)'):
        resize_relative_position_table(torch.zeros(length, 2), 13)


def test_loads_from_another_window_and_from_its_own():
    source, target = swin(3), swin(4)
    for parameter in source.parameters():
        torch.nn.init.normal_(parameter)
    state = source.state_dict()
    before = {key: value.clone() for key, value in state.items()}
    result = target.load_state_dict(state, strict=False)
    assert not result.unexpected_keys
    assert len(result.missing_keys) == 4
    for key in result.missing_keys:
        assert key.endswith('.relative_position_index')
    # What is loaded from is not changed.
    assert all(torch.equal(state[key], before[key]) for key in before)
    own = swin(4).state_dict()
    for key, value in target.state_dict().items():
        if key.endswith('_index'):
            assert torch.equal(value, own[key])
        elif key.endswith('_table'):
            expected = resize_relative_position_table(before[key], 7)
            assert torch.equal(value, expected)
        else:
            assert torch.equal(value, before[key])
    assert not swin(3).load_state_dict(state).missing_keys


def test_below_another_module():
    # A checkpoint of the classifier goes through its prefix.
    source, target = (
        torch.nn.ModuleDict(dict(backbone=swin(window))) for window in (3, 4)
    )
    key = 'backbone.stages.0.blocks.0.attn.w_msa.relative_position_bias_table'
    state = source.state_dict()
    state[key] = table(5, 1)
    target.load_state_dict(state, strict=False)
    expected = resize_relative_position_table(table(5, 1), 7)
    assert torch.equal(target.state_dict()[key], expected)


def test_the_keys_and_outputs_of_the_stock_class():
    mine, stock = swin(3), swin(3, SwinTransformer)
    assert MODELS.get('ResizableSwin') is ResizableSwin
    stock.load_state_dict(mine.state_dict())
    x = torch.randn(1, 3, 96, 96)
    mine.eval()
    stock.eval()
    assert torch.equal(mine(x)[-1], stock(x)[-1])
    name = 'stages.2.blocks.0.norm1.weight'
    assert mine.get_layer_depth(name) == stock.get_layer_depth(name) == (3, 6)
