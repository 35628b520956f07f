# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from mmpretrain.registry import MODELS

PATCHES, VISIBLE, BATCH, DIM = 16, 5, 3, 8


def pair(**options):
    """The stock decoder and ours with the same random weights."""
    cfg = dict(
        num_patches=PATCHES,
        patch_size=2,
        embed_dim=DIM,
        decoder_embed_dim=DIM,
        decoder_depth=2,
        decoder_num_heads=2,
    )
    stock, ours = (
        MODELS.build(dict(type=name, **{**cfg, **options})).double()
        for name in ('MAEPretrainDecoder', 'MAEMaskedDecoder')
    )
    stock.init_weights()
    with torch.no_grad():
        for parameter in stock.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    # The same keys and shapes.
    ours.load_state_dict(stock.state_dict(), strict=True)
    return stock, ours


def encoded():
    """Latent tokens, ids_restore, and which patches are masked."""
    shuffle = torch.rand(BATCH, PATCHES).argsort(1)
    ids_restore = shuffle.argsort(1)
    tokens = torch.randn(BATCH, 1 + VISIBLE, DIM, dtype=torch.float64)
    return tokens, ids_restore, ids_restore >= VISIBLE


@pytest.mark.parametrize('depth', [1, 2, 3])
def test_predictions_are_the_stock_ones_of_masked_patches(depth):
    stock, ours = pair(decoder_depth=depth)
    tokens, ids_restore, masked = encoded()
    expected = stock(tokens, ids_restore)
    actual = ours(tokens, ids_restore)
    assert actual.shape == (BATCH, PATCHES - VISIBLE, expected.shape[2])
    # Boolean indexing reads row by row: ascending places of each image.
    torch.testing.assert_close(
        actual.flatten(0, 1), expected[masked], rtol=1e-9, atol=1e-9
    )


def test_gradients_are_the_stock_ones():
    stock, ours = pair()
    tokens, ids_restore, masked = encoded()
    tokens.requires_grad_()
    weight = torch.randn(int(masked.sum()), 12, dtype=torch.float64)
    found = []
    for model, masked_only in ((stock, False), (ours, True)):
        out = model(tokens, ids_restore)
        out = out.flatten(0, 1) if masked_only else out[masked]
        trained = {
            name: p for name, p in model.named_parameters() if p.requires_grad
        }
        grads = torch.autograd.grad(
            (out * weight).sum(), [tokens, *trained.values()]
        )
        found.append(dict(zip(['tokens', *trained], grads, strict=True)))
    assert found[0].keys() == found[1].keys()
    for name in found[0]:
        torch.testing.assert_close(
            found[1][name], found[0][name], rtol=1e-8, atol=1e-9, msg=name
        )


def test_order_of_the_masked_patches_does_not_matter():
    _, ours = pair()
    tokens, ids_restore, masked = encoded()
    # Another inverse shuffling with the same visible patches.
    other = torch.where(masked, PATCHES - 1 - ids_restore, ids_restore)
    other = torch.where(masked, other + VISIBLE, other)
    assert not torch.equal(other, ids_restore)
    torch.testing.assert_close(ours(tokens, other), ours(tokens, ids_restore))


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision_reaches_every_parameter(dtype):
    _, ours = pair()
    ours = ours.float()
    tokens, ids_restore, _ = encoded()
    with torch.autocast('cpu', dtype):
        out = ours(tokens.float(), ids_restore)
    (out.float() * torch.randn(out.shape)).sum().backward()
    for name, parameter in ours.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.abs().max() > 0, name


def test_nothing_masked():
    _, ours = pair()
    tokens = torch.randn(1, 1 + PATCHES, DIM, dtype=torch.float64)
    with pytest.raises(ValueError, match='mask_ratio 0'):
        ours(tokens, torch.arange(PATCHES)[None])


def test_what_is_loaded_stays(tmp_path):
    _, source = pair()
    keys = source.state_dict()
    keys['decoder_pos_embed'] += 1e-6  # made by other code
    torch.save({f'neck.{k}': v for k, v in keys.items()}, tmp_path / 'w.pth')
    init_cfg = dict(
        type='Pretrained', checkpoint=str(tmp_path / 'w.pth'), prefix='neck.'
    )
    _, loaded = pair(init_cfg=init_cfg)
    loaded.init_weights()
    for key, value in loaded.state_dict().items():
        assert torch.equal(value, keys[key]), key
