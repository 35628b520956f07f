# Copyright (c) aemim_mm contributors. All rights reserved.
"""Rectangular images: pre-training, pictures, export, another shape."""

import copy

import pytest
import torch
from mim_toys import mae_cfg
from mmpretrain.models.utils import (
    build_2d_sincos_position_embedding,
    resize_pos_embed,
)
from mmpretrain.registry import MODELS
from toys import ARCH, images

from aemim_mm.export import export_backbone
from aemim_mm.models.layers.sincos import grid_of_table, sincos_table
from aemim_mm.visualization.reconstruction import reconstruct

WIDE = (16, 48)  # 2 x 6 patches of 8 x 8


def cfg(img_size):
    parts = copy.deepcopy(mae_cfg())
    parts['backbone'].update(type='DualNormViT', img_size=img_size)
    parts['neck'].update(type='MAEMaskedDecoder', img_size=img_size)
    parts['head'].update(type='MAEMaskedHead', img_size=img_size)
    return parts


def build(img_size):
    return build_from(cfg(img_size))


def build_from(parts, kind='AEMIMAlgorithm'):
    options = {}
    if kind == 'AEMIMAlgorithm':
        options.update(
            method='MAE', attack=dict(type='FeatureDistancePGD', num_steps=1)
        )
    torch.manual_seed(0)
    model = MODELS.build(dict(type=kind, **parts, **options))
    model.init_weights()
    return model


def step(model, inputs):
    torch.manual_seed(1)
    losses = model.loss(inputs, None)
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    grads = {n: p.grad for n, p in model.named_parameters()}
    return losses, grads


@pytest.mark.parametrize('kind', ['MAE', 'AEMIMAlgorithm'])
def test_a_square_is_the_same_to_the_bit(kind):
    """Keys, weights, losses and gradients of (32, 32), and of num_patches."""
    square = cfg((32, 32))
    old = cfg(32)
    del old['neck']['img_size'], old['head']['img_size']
    assert old['neck']['num_patches'] == 16
    pair = [build_from(parts, kind) for parts in (old, square)]
    states = [model.state_dict() for model in pair]
    assert list(states[0]) == list(states[1])
    assert all(torch.equal(states[0][k], states[1][k]) for k in states[0])
    inputs = images(4)
    (losses, grads), (others, other_grads) = (
        step(model, inputs) for model in pair
    )
    assert losses.keys() == others.keys()
    assert all(torch.equal(losses[k], others[k]) for k in losses)
    for name, grad in grads.items():
        same = other_grads[name]
        assert grad is same or torch.equal(grad, same), name


def test_table_of_a_square_is_mae_s():
    mae = build_2d_sincos_position_embedding(6, 32, cls_token=True)
    assert torch.equal(sincos_table((6, 6), 32), mae)


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
@pytest.mark.parametrize('grid', [(2, 6), (6, 2), (3, 4), (1, 12), (14, 14)])
def test_the_grid_is_told_from_the_table(grid, dtype):
    assert grid_of_table(sincos_table(grid, 32).to(dtype)) == grid


def test_a_trained_table_has_no_grid():
    table = sincos_table((2, 6), 32)
    assert grid_of_table(table + 0.1 * torch.randn_like(table)) is None


def test_encoder_and_decoder_have_tables_of_the_grid():
    model = build(WIDE)
    for table in (model.backbone.pos_embed, model.neck.decoder_pos_embed):
        assert torch.equal(table, sincos_table((2, 6), table.shape[2]))


def test_aemim_trains_on_rectangles():
    model = build(WIDE)
    losses, grads = step(model, torch.randn(3, 3, *WIDE))
    assert losses['loss_clean'] > 0 and losses['loss_adv'] > 0
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            grad = grads[name]
            assert grad.isfinite().all() and grad.any(), name


def test_patches_there_and_back():
    head = build(WIDE).head
    pixels = torch.randn(2, 3, *WIDE)
    patches = head.patchify(pixels)
    # the second patch of the second row, channels last
    expected = pixels[:, :, 8:16, 8:16].permute(0, 2, 3, 1).flatten(1)
    assert torch.equal(patches[:, 7], expected)
    assert torch.equal(head.unpatchify(patches), pixels)


def test_patches_of_another_shape():
    head = build(WIDE).head
    with pytest.raises(ValueError, match='16 patches.*16 x 48'):
        head.unpatchify(torch.zeros(1, 16, 192))
    with pytest.raises(ValueError, match='multiples of patch_size=8'):
        head.patchify(torch.zeros(1, 3, 16, 20))
    with pytest.raises(ValueError, match='multiples of patch_size=8'):
        build((16, 20))


def test_pictures():
    rows = reconstruct(build(WIDE), torch.randn(2, 3, *WIDE))
    assert len(rows.images) == 6
    for picture in rows.images.values():
        assert picture.shape == (2, 3, *WIDE)
    seen = rows.images['masked'] == rows.images['original']
    reconstructed = rows.images['reconstruction']
    assert torch.equal(reconstructed[seen], rows.images['original'][seen])


@pytest.mark.parametrize('target', ['mmpretrain', 'timm'])
def test_export(tmp_path, target):
    """The exported model computes what the encoder does, on rectangles."""
    model = build(WIDE)
    text = f"""model = dict(type='AEMIMAlgorithm', backbone=dict(
        type='DualNormViT', arch={dict(ARCH)}, img_size={WIDE}, patch_size=8))
"""
    path = tmp_path / 'iter_2.pth'
    torch.save(dict(state_dict=model.state_dict(), meta=dict(cfg=text)), path)
    export = export_backbone(path, tmp_path / 'x.pth', target, check=True)
    assert export.passed and export.architecture.img_size == WIDE


@pytest.mark.parametrize('img_size', [(48, 16), 32, (24, 32), (16, 48)])
def test_fine_tuning_at_another_shape(img_size):
    """(48, 16) has as many patches: they must not be taken as they are."""
    weights = build(WIDE).backbone.state_dict()
    tuned = MODELS.build(
        dict(
            type='DualNormViT',
            arch=dict(ARCH),
            img_size=img_size,
            patch_size=8,
            mask_ratio=0.0,
        )
    )
    tuned.load_state_dict(weights)
    grid = tuple(tuned.patch_resolution)
    found = tuned.pos_embed[0, 1:].unflatten(0, grid)
    source = weights['pos_embed'][0, 1:].unflatten(0, (2, 6))
    expected = torch.nn.functional.interpolate(
        source.permute(2, 0, 1)[None], grid, mode='bicubic'
    )[0].permute(1, 2, 0)
    if grid == (2, 6):
        expected = source
    torch.testing.assert_close(found, expected)
    (features,) = tuned(torch.randn(1, 3, grid[0] * 8, grid[1] * 8))
    assert features.isfinite().all()


def test_a_trained_rectangle_at_another_shape():
    weights = build(WIDE).backbone.state_dict()
    weights['pos_embed'] += torch.randn_like(weights['pos_embed'])
    other = build((48, 48)).backbone
    with pytest.raises(ValueError, match='trained on 12 patches, no square'):
        other.load_state_dict(weights)


@pytest.mark.parametrize(
    ('side', 'grid'), [(6, (4, 9)), (6, (9, 4)), (12, (9, 16)), (14, (7, 28))]
)
def test_a_trained_square_of_as_many_patches(side, grid):
    """It is resized, once: the run's own checkpoint loads unchanged."""
    torch.manual_seed(0)
    table = sincos_table((side, side), 32)
    table += 0.1 * torch.randn_like(table)
    loaded = []
    for _ in range(2):
        encoder = build((8 * grid[0], 8 * grid[1])).backbone
        encoder.load_state_dict({'pos_embed': table}, strict=False)
        table = encoder.pos_embed.detach().clone()
        loaded.append(table)
    trained = resize_pos_embed(
        sincos_table((side, side), 32), (side, side), grid
    )
    assert (loaded[0] - trained).square().mean().sqrt() < 0.15
    assert torch.equal(*loaded)


def test_a_trained_table_that_does_not_tell():
    encoder = build((16, 64)).backbone
    noise = torch.randn(encoder.pos_embed.shape)
    with pytest.raises(ValueError, match='may be 4 x 4 or 2 x 8'):
        encoder.load_state_dict({'pos_embed': noise}, strict=False)
    square = build((32, 32)).backbone
    square.load_state_dict({'pos_embed': noise}, strict=False)
    assert torch.equal(square.pos_embed, noise)
    own = build((16, 64)).backbone.state_dict()
    encoder.load_state_dict(own)
    assert torch.equal(encoder.pos_embed, own['pos_embed'])


def test_aemim_starts_from_another_shape():
    square = build(32)
    wide = build(WIDE)
    wide.load_state_dict(square.state_dict())
    table = wide.neck.decoder_pos_embed
    assert torch.equal(table, sincos_table((2, 6), table.shape[2]))
