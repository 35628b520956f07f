# Copyright (c) aemim_mm contributors. All rights reserved.
import copy
from itertools import product

import pytest
import torch
from mmengine.runner.activation_checkpointing import (
    turn_on_activation_checkpointing,
)
from mmpretrain.models import BEiTPretrainViT, BEiTViT
from mmpretrain.registry import MODELS
from states import randomised
from torch._subclasses.fake_tensor import FakeTensorMode

from aemim_mm.models.backbones import ResizableBEiT
from aemim_mm.models.backbones.resizable_beit import (
    bias_of_pairs,
    resize_bias_table,
)

ARCH = dict(embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=32)
WINDOW = (4, 4)  # 64 x 64 pixels
# Sides in pixels: larger, wide, tall and small; no multiples of 16.
SIZES = [(96, 96), (80, 144), (133, 70), (17, 200)]


def encoder(cls=ResizableBEiT, img_size=64, **options):
    options = {'out_type': 'featmap', 'out_indices': [0, 1], **options}
    return randomised(cls(dict(ARCH), img_size=img_size, **options), 0.3, 1)


def images(*size, count=2):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(count, 3, *size, generator=generator)


def gradients(model, maps):
    return torch.autograd.grad(
        sum(m.float().square().sum() for m in maps), list(model.parameters())
    )


def weights_by_hand(place, mode, old, new):
    """``{old place: weight}`` along one side; a = -0.75, edges repeated."""
    x = (place + 0.5) * old / new - 0.5
    if mode == 'bilinear':
        x = max(x, 0.0)
    first = int(x // 1)
    found = {}
    for at in range(first - 1, first + 3):
        far = abs(x - at)
        if mode == 'bilinear':
            weight = max(0.0, 1 - far)
        elif far <= 1:
            weight = 1.25 * far**3 - 2.25 * far**2 + 1
        else:
            weight = -0.75 * (far**3 - 5 * far**2 + 8 * far - 4)
        at = min(max(at, 0), old - 1)
        found[at] = found.get(at, 0.0) + weight
    return found


def bias_by_hand(table, window, grid, mode):
    """Pair by pair, with numbers instead of tensors."""
    rows, columns = grid
    old = [2 * side - 1 for side in window]
    new = [2 * side - 1 for side in grid]
    table = table.double()
    bias = torch.empty(
        table.shape[1], 1 + rows * columns, 1 + rows * columns
    ).double()
    bias[:, 0, :], bias[:, :, 0] = table[-3][:, None], table[-2][:, None]
    bias[:, 0, 0] = table[-1]
    places = list(product(range(rows), range(columns)))
    for i, (r, c) in enumerate(places, 1):
        for j, (other_r, other_c) in enumerate(places, 1):
            vertical = weights_by_hand(
                r - other_r + rows - 1, mode, old[0], new[0]
            )
            horizontal = weights_by_hand(
                c - other_c + columns - 1, mode, old[1], new[1]
            )
            bias[:, i, j] = sum(
                a * b * table[y * old[1] + x]
                for y, a in vertical.items()
                for x, b in horizontal.items()
            )
    return bias


@pytest.mark.parametrize('mode', ['bicubic', 'bilinear'])
@pytest.mark.parametrize(
    'window, grid',
    [
        ((4, 4), (4, 4)),
        ((4, 4), (6, 6)),
        ((4, 4), (3, 5)),
        ((3, 3), (1, 7)),
        ((3, 5), (5, 2)),
    ],
)
def test_bias_of_every_pair_by_hand(mode, window, grid):
    length = (2 * window[0] - 1) * (2 * window[1] - 1) + 3
    generator = torch.Generator().manual_seed(0)
    table = torch.randn(length, 2, generator=generator)
    resized = resize_bias_table(table, window, grid, mode)
    assert resized.shape == ((2 * grid[0] - 1) * (2 * grid[1] - 1) + 3, 2)
    assert torch.equal(resized[-3:], table[-3:])
    found = bias_of_pairs(resized, grid)
    expected = bias_by_hand(table, window, grid, mode).float()
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    if window == grid:
        assert resized is table


@pytest.mark.parametrize('bias', ['qv_bias', True, False])
def test_its_own_size_is_the_stock_model_to_the_bit(bias):
    stock = encoder(BEiTViT, bias=bias)
    ours = encoder(bias=bias)
    assert MODELS.get('ResizableBEiT') is ResizableBEiT
    ours.load_state_dict(stock.state_dict())
    x = images(64, 64)
    found, expected = ours(x), stock(x)
    for a, b in zip(found, expected, strict=True):
        assert torch.equal(a, b)
    for a, b in zip(
        gradients(ours, found), gradients(stock, expected), strict=True
    ):
        assert torch.equal(a, b)


@pytest.mark.parametrize('mode', ['bicubic', 'bilinear'])
@pytest.mark.parametrize('size', SIZES)
def test_another_size_is_the_stock_model_with_resized_tables(size, mode):
    """Outputs and gradients, the tables' own through the interpolation."""
    ours = encoder(interpolate_mode=mode)
    grid = tuple(-(-side // 16) for side in size)
    stock = encoder(BEiTViT, img_size=tuple(16 * side for side in grid))
    tables = [
        resize_bias_table(
            layer.attn.relative_position_bias_table, WINDOW, grid, mode
        )
        for layer in ours.layers
    ]
    state = stock.state_dict()
    own = ours.state_dict()
    state.update({k: v for k, v in own.items() if 'relative_pos' not in k})
    for number, table in enumerate(tables):
        key = f'layers.{number}.attn.relative_position_bias_table'
        state[key] = table.detach()
    stock.load_state_dict(state)
    x = images(*size)
    found, expected = ours(x), stock(x)
    for a, b in zip(found, expected, strict=True):
        assert a.shape == (2, 16, *grid)
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)
    theirs = dict(
        zip(
            dict(stock.named_parameters()),
            gradients(stock, expected),
            strict=True,
        )
    )
    mine = gradients(ours, found)
    for (name, parameter), grad in zip(
        ours.named_parameters(), mine, strict=True
    ):
        wanted = theirs[name]
        if name.endswith('bias_table'):
            (wanted,) = torch.autograd.grad(
                tables[int(name.split('.')[1])], parameter, wanted
            )
        scale = wanted.abs().max()
        assert scale > 0, name
        assert (grad - wanted).abs().max() < 1e-4 * scale, name


@pytest.mark.parametrize('img_size', [64, (80, 144)])
@pytest.mark.parametrize('prefix', ['', 'backbone.'])
def test_a_pretraining_checkpoint_fills_every_key(img_size, prefix):
    source = encoder(BEiTPretrainViT, final_norm=False)
    state = source.state_dict()
    table = state['rel_pos_bias.relative_position_bias_table']
    target = encoder(img_size=img_size)
    model = torch.nn.ModuleDict({'backbone': target}) if prefix else target
    named = {prefix + key: value for key, value in state.items()}
    before = dict(named)
    result = model.load_state_dict(named, strict=False)
    assert result.missing_keys == []
    assert result.unexpected_keys == [prefix + 'mask_token']
    assert named.keys() == before.keys()  # of the caller, unchanged
    expected = resize_bias_table(table, WINDOW, target.patch_resolution)
    fresh = encoder(img_size=img_size).state_dict()
    for key, value in target.state_dict().items():
        if key.endswith('bias_table'):
            assert torch.equal(value, expected)
        elif key.endswith('_index'):
            assert torch.equal(value, fresh[key])
        else:
            assert torch.equal(value, state[key])
    # Each block trains its own.
    first, second = (layer.attn for layer in target.layers)
    first.relative_position_bias_table.data += 1
    assert torch.equal(second.relative_position_bias_table, expected)


def test_tables_that_cannot_be_resized_at_the_load():
    state = encoder(img_size=(80, 144)).state_dict()
    with pytest.raises(ValueError, match=r'\(156, 2\).*the img_size of the'):
        encoder().load_state_dict(state)
    # They fit where they come from.
    encoder(img_size=(80, 144)).load_state_dict(state)


@pytest.mark.parametrize(
    'options',
    [
        dict(use_rel_pos_bias=False),
        dict(use_rel_pos_bias=False, use_shared_rel_pos_bias=True),
        dict(with_cls_token=False),
    ],
)
def test_what_has_no_tables_is_refused(options):
    with pytest.raises(ValueError, match='a relative position bias in every'):
        ResizableBEiT(dict(ARCH), img_size=64, **options)


def test_mixed_precision():
    model = encoder()
    x = images(80, 144)
    exact = model(x)
    with torch.autocast('cpu', torch.bfloat16):
        maps = model(x)
    for a, b in zip(maps, exact, strict=True):
        assert (a - b).norm() < 0.05 * b.norm()
        assert (a - b).norm() > 0
    for (name, _), grad, wanted in zip(
        model.named_parameters(),
        gradients(model, maps),
        gradients(model, exact),
        strict=True,
    ):
        assert grad.dtype == torch.float32, name
        if name.endswith('bias_table'):
            assert (grad - wanted).norm() < 0.1 * wanted.norm(), name


def test_the_host_reads_no_value():
    """Reading one raises under ``FakeTensorMode``."""
    with FakeTensorMode():
        model = ResizableBEiT(dict(ARCH), img_size=64, out_type='featmap')
        (maps,) = model(torch.empty(2, 3, 133, 70))
        maps.sum().backward()
    table = model.layers[1].attn.relative_position_bias_table
    assert maps.shape == (2, 16, 9, 5)
    assert table.grad.shape == table.shape


def test_activations_are_recomputed_at_the_size_of_their_image():
    """Two sizes of equally many patches are encoded before the backward."""
    model = encoder()
    again = copy.deepcopy(model)
    turn_on_activation_checkpointing(again, ['layers.0', 'layers.1'])
    for one in (model, again):
        maps = [*one(images(64, 144)), *one(images(144, 64))]
        sum(m.square().sum() for m in maps).backward()
    for a, b in zip(again.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, atol=1e-3, rtol=1e-4)
