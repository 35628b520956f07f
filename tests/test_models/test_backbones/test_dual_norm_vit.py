# Copyright (c) aemim_mm contributors. All rights reserved.
import copy

import pytest
import torch
from mmengine.model import PretrainedInit
from mmpretrain.models.utils import build_2d_sincos_position_embedding
from mmpretrain.registry import MODELS
from states import assert_equal_states, randomised
from toys import ARCH, build_aemim, images

OPTIONS = dict(arch=dict(ARCH), img_size=32, patch_size=8)


def build(name='DualNormViT', **options):
    options = copy.deepcopy({**OPTIONS, **options})
    return MODELS.build(dict(type=name, **options))


def pair(**options):
    """The stock encoder and ours with the same random weights."""
    stock, ours = build('MAEViT', **options), build(**options)
    randomised(stock, vectors=0)
    ours.load_state_dict(stock.state_dict(), strict=True)
    return stock, ours


@pytest.mark.parametrize('in_channels', [3, 1])
def test_same_output_and_draw_as_the_stock_encoder(in_channels):
    stock, ours = pair(patch_cfg=dict(in_channels=in_channels))
    x = images(4)[:, :in_channels]
    torch.manual_seed(1)
    expected = stock(x)
    after = torch.rand(1)
    torch.manual_seed(1)
    actual = ours(x)
    assert torch.equal(torch.rand(1), after)
    torch.testing.assert_close(actual[0], expected[0], atol=1e-5, rtol=1e-5)
    assert torch.equal(actual[1], expected[1])
    assert torch.equal(actual[2], expected[2])


def test_same_gradients_as_the_stock_encoder():
    stock, ours = pair()
    x = images(4)
    for model in (stock, ours):
        torch.manual_seed(1)
        model(x)[0].square().sum().backward()
    for (name, a), b in zip(
        stock.named_parameters(), ours.parameters(), strict=True
    ):
        if a.requires_grad:
            torch.testing.assert_close(
                b.grad, a.grad, atol=1e-4, rtol=1e-3, msg=name
            )


def test_mask_as_data():
    _, ours = pair()
    x = images(3)
    latent, mask, ids_restore = ours(x)
    keep = torch.argsort(ids_restore, dim=1)[:, :4]
    again = ours(x, keep)
    torch.testing.assert_close(again[0], latent)
    assert torch.equal(again[1], mask)
    # Kept tokens come back to their places.
    tokens = torch.cat([again[0][:, 1:], torch.zeros(3, 12, 32)], 1)
    placed = tokens.gather(1, again[2].unsqueeze(-1).expand(-1, -1, 32))
    for i in range(3):
        torch.testing.assert_close(placed[i, keep[i]], again[0][i, 1:])
    with pytest.raises(TypeError, match='indices of the patches'):
        ours(x, mask.bool())


@pytest.mark.parametrize('mask', [None, False])
def test_unmasked_is_a_plain_vit(mask):
    stock, ours = pair()
    x = images(2)
    expected = stock(x, mask=None)
    actual = ours(x, mask)
    assert isinstance(actual, tuple) and len(actual) == 1
    torch.testing.assert_close(actual[0], expected[0])
    assert actual[0].shape == (2, 17, 32)


def test_mask_ratio_zero_is_a_backbone_in_train_mode():
    ours = build(mask_ratio=0.0, out_type='featmap', out_indices=[0, 1])
    ours.train()
    outputs = ours(images(2))
    assert [o.shape for o in outputs] == [(2, 32, 4, 4)] * 2


def test_own_bank():
    ours = build(adapters=('norm', 'cls_token'))
    ours.init_weights()
    x, keep = images(2), torch.tensor([[0, 5, 7, 9], [3, 2, 1, 0]])
    torch.testing.assert_close(
        ours(x, keep, adapters='adv')[0], ours(x, keep)[0]
    )
    with torch.no_grad():
        ours.adv.ln1.weight.mul_(2)
    clean, adv = ours(x, keep)[0], ours(x, keep, adapters='adv')[0]
    torch.testing.assert_close(
        adv - ours.ln1.bias, 2 * (clean - ours.ln1.bias)
    )
    # Also unmasked, and by data.
    unmasked = ours(x, None, adapters='adv')[0]
    torch.testing.assert_close(unmasked, 2 * ours(x, None)[0])
    tensors = {'ln1.weight': ours.ln1.weight.detach() * 2}
    torch.testing.assert_close(ours(x, keep, adapters=tensors)[0], adv)


def test_adv_without_a_bank():
    with pytest.raises(ValueError, match="built with adapters=\\('norm'"):
        build()(images(1), adapters='adv')
    with pytest.raises(ValueError, match="'fast'"):
        build(adapters=('norm',))(images(1), adapters='fast')


def test_own_bank_keys_and_depth():
    ours = build(adapters=('norm',))
    stock = build('MAEViT')
    keys = set(ours.state_dict())
    assert keys - {k for k in keys if k.startswith('adv.')} == set(
        stock.state_dict()
    )
    depth = ours.get_layer_depth
    assert depth('backbone.adv.layers.1.ln2.bias', 'backbone.') == depth(
        'backbone.layers.1.ln2.bias', 'backbone.'
    )
    assert depth('adv.layers.0.ln1.weight')[0] == 1


def test_plain_checkpoint_fills_the_bank():
    cfg = dict(type='Constant', layer='LayerNorm', val=3.0)
    ours = build(adapters=('norm',), init_cfg=cfg)
    stock, _ = pair()
    ours.load_state_dict(stock.state_dict(), strict=True)
    assert torch.equal(ours.adv.ln1.weight, stock.ln1.weight)
    ours.init_weights()  # sets the originals anew, and the twins with them
    assert ours.ln1.weight[0] == ours.adv.ln1.weight[0] == 3


@pytest.mark.parametrize('prefix', ['backbone.', 'backbone'])
def test_adversarial_branch_of_an_aemim_checkpoint(tmp_path, prefix):
    model = build_aemim('MAE-DualNormViT')
    with torch.no_grad():
        for twin in model.adv.parameters():
            twin.add_(0.5)
    file = str(tmp_path / 'aemim.pth')
    torch.save(dict(state_dict=model.state_dict()), file)
    ours = build(
        adapters=('norm',),
        init_cfg=dict(type='Pretrained', checkpoint=file, prefix=prefix),
    )
    ours.init_weights()
    x, keep = images(2), torch.tensor([[0, 5, 7, 9], [3, 2, 1, 0]])
    bank = {
        n.removeprefix('backbone.'): t
        for n, t in model.adv.tensors().items()
        if n.startswith('backbone.')
    }
    torch.testing.assert_close(
        ours(x, keep, adapters='adv')[0],
        model.backbone(x, keep, adapters=bank)[0],
    )
    torch.testing.assert_close(ours(x, keep)[0], model.backbone(x, keep)[0])


@pytest.mark.parametrize('kind', ['Pretrained', PretrainedInit])
@pytest.mark.parametrize('as_list', [False, True])
def test_init_weights_keeps_what_pretrained_loaded(tmp_path, as_list, kind):
    stock, _ = pair()
    file = str(tmp_path / 'mae.pth')
    state = {f'backbone.{k}': v for k, v in stock.state_dict().items()}
    torch.save(dict(state_dict=state), file)
    cfg = dict(type=kind, checkpoint=file, prefix='backbone.')
    if as_list:
        cfg = [dict(type='Constant', layer='LayerNorm', val=1.0), cfg]
    ours = build(mask_ratio=0.0, init_cfg=cfg)
    ours.init_weights()
    assert_equal_states(ours, stock)


def test_second_init_weights_changes_nothing():
    ours = build(adapters=('norm',))
    ours.init_weights()
    before = copy.deepcopy(ours.state_dict())
    ours.init_weights()
    assert_equal_states(ours, before)


def test_init_weights_is_that_of_mae():
    ours = build()
    ours.init_weights()
    expected = build_2d_sincos_position_embedding(4, 32, cls_token=True)
    assert torch.equal(ours.pos_embed, expected)
    assert not ours.pos_embed.requires_grad
    bound = (6 / (32 + 192)) ** 0.5
    weight = ours.patch_embed.projection.weight
    assert 0.9 * bound < weight.abs().max() <= bound
    assert 0.005 < ours.cls_token.std() < 0.04


def test_non_square_images():
    """A row-major grid: rows share one half, columns the other."""
    ours = build(img_size=(32, 64), mask_ratio=0.5)
    ours.init_weights()
    grid = ours.pos_embed[0, 1:].reshape(4, 8, 32)
    row, column = grid[..., :16], grid[..., 16:]
    assert torch.equal(row[:, 0], row[:, 5])
    assert torch.equal(column[0], column[3])
    assert not torch.equal(row[0, 0], row[1, 0])
    assert not torch.equal(column[0, 0], column[0, 1])
    x = torch.randn(2, 3, 32, 64)
    latent, mask, _ = ours(x)
    assert latent.shape == (2, 17, 32) and mask.shape == (2, 32)
    keep = torch.arange(32).expand(2, -1)
    torch.testing.assert_close(
        ours(x, keep)[0], ours(x, None)[0], atol=1e-5, rtol=1e-5
    )


def test_masked_image_of_another_size():
    with pytest.raises(ValueError, match='32 x 32 .*but got 40 x 32'):
        build()(torch.randn(1, 3, 40, 32))


def test_overlapping_patches_are_refused():
    with pytest.raises(ValueError, match='stride equals its kernel'):
        build(patch_cfg=dict(stride=4))


@pytest.mark.parametrize('ratio', [1.5, 1.0, -0.1, float('nan')])
def test_a_share_of_masked_patches_out_of_range(ratio):
    with pytest.raises(ValueError, match=r'mask_ratio=.*\[0, 1\)'):
        build(mask_ratio=ratio)
