# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from mmpretrain.models import MAEHiViT
from mmpretrain.registry import MODELS

PATCHES, VISIBLE, BATCH, DIM = 16, 8, 3, 8


def decoder(name='MAEPretrainDecoderNoCls', **options):
    cfg = dict(
        type=name,
        num_patches=PATCHES,
        patch_size=2,
        embed_dim=DIM,
        decoder_embed_dim=DIM,
        decoder_depth=2,
        decoder_num_heads=2,
        predict_feature_dim=DIM,
    )
    model = MODELS.build({**cfg, **options})
    model.init_weights()
    return model.eval()


def transparent(name):
    """A decoder that hands its tokens through; its mask token is -1."""
    model = decoder(name, decoder_depth=0)
    setattr(model, model.decoder_norm_name, torch.nn.Identity())
    with torch.no_grad():
        model.decoder_pos_embed.zero_()
        model.mask_token.fill_(-1)
        for layer in (model.decoder_embed, model.decoder_pred):
            layer.weight.copy_(torch.eye(DIM))
            layer.bias.zero_()
    return model


def masked_batch():
    """Tokens that hold their own position, and how to restore the order."""
    shuffle = torch.rand(BATCH, PATCHES).argsort(1)
    keep = shuffle[:, :VISIBLE]
    tokens = keep.unsqueeze(-1).repeat(1, 1, DIM).float()
    return tokens, shuffle.argsort(1), keep


def landed(name):
    """What each position decodes, the visible ones, and whether masked."""
    tokens, ids_restore, keep = masked_batch()
    decoded = transparent(name)(tokens, ids_restore)[..., 0]
    masked = torch.ones(BATCH, PATCHES, dtype=bool).scatter(1, keep, False)
    return decoded, keep, masked


def test_every_visible_token_lands_at_its_own_position():
    decoded, keep, masked = landed('MAEPretrainDecoderNoCls')
    assert decoded.shape == (BATCH, PATCHES)
    assert torch.equal(decoded.gather(1, keep), keep.float())
    assert (decoded[masked] == -1).all()


def test_the_stock_decoder_shifts_all_of_them():
    decoded, keep, _ = landed('MAEPretrainDecoder')
    got = decoded.gather(1, keep)
    assert (got != keep).sum(1).tolist() == [VISIBLE] * BATCH
    # Each decodes the next one, the last a mask token.
    assert torch.equal(got[:, :-1], keep[:, 1:].float())
    assert (got[:, -1] == -1).all()


def test_the_whole_decoder_against_one_written_by_position():
    model = decoder()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    _, ids_restore, keep = masked_batch()
    tokens = torch.randn(BATCH, VISIBLE, DIM)
    expected = []
    for sample, positions in zip(tokens, keep, strict=True):
        rows = [model.mask_token[0, 0]] * PATCHES
        for token, position in zip(sample, positions.tolist(), strict=True):
            rows[position] = model.decoder_embed(token)
        # Entry 0 of the embedding belongs to the class token.
        rows = [
            row + model.decoder_pos_embed[0, position + 1]
            for position, row in enumerate(rows)
        ]
        x = torch.stack(rows)[None]
        for block in model.decoder_blocks:
            x = block(x)
        expected.append(model.decoder_pred(model.ln1(x)))
    torch.testing.assert_close(
        model(tokens, ids_restore), torch.cat(expected), rtol=1e-5, atol=1e-5
    )


def test_after_a_class_token_the_stock_decoder_does_the_same():
    ours, stock = decoder(), decoder('MAEPretrainDecoder')
    stock.load_state_dict(ours.state_dict())
    # Attention would mix the class token into the others.
    for model in (ours, stock):
        model.decoder_blocks = torch.nn.ModuleList()
    tokens, ids_restore, _ = masked_batch()
    with_cls = torch.cat([torch.full((BATCH, 1, DIM), 99.0), tokens], dim=1)
    torch.testing.assert_close(
        ours(tokens, ids_restore), stock(with_cls, ids_restore)
    )


def test_keys_and_shapes_equal_the_stock_decoder_s():
    ours, stock = (
        {key: value.shape for key, value in decoder(name).state_dict().items()}
        for name in ('MAEPretrainDecoderNoCls', 'MAEPretrainDecoder')
    )
    assert ours == stock


@pytest.mark.parametrize('bf16', [False, True])
def test_gradients_reach_every_parameter_and_token(bf16):
    model = decoder().train()
    _, ids_restore, _ = masked_batch()
    tokens = torch.randn(BATCH, VISIBLE, DIM, requires_grad=True)
    with torch.autocast('cpu', torch.bfloat16, enabled=bf16):
        out = model(tokens, ids_restore)
    # Squares would be the same for every weight: the last norm fixes them.
    (out.float() * torch.randn(out.shape)).sum().backward()
    assert tokens.grad.abs().amin((0, 2)).min() > 0
    for name, parameter in model.named_parameters():
        if name == 'decoder_pos_embed':
            assert not parameter.requires_grad
            continue
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


def test_it_fits_the_encoder_without_class_token():
    encoder = MAEHiViT(
        arch=dict(embed_dims=8, depths=[1, 1, 1], num_heads=1),
        out_indices=[0],
        img_size=64,
        patch_size=16,
        inner_patches=4,
        mask_ratio=0.5,
    )
    encoder.init_weights()
    latent, mask, ids_restore = encoder(torch.randn(2, 3, 64, 64), mask=True)
    model = decoder(embed_dim=latent.shape[-1])
    out = model(latent, ids_restore)
    assert latent.shape[1] == VISIBLE and out.shape == (2, PATCHES, DIM)
    # Without attention, a visible token moves its own position alone.
    direct = decoder(embed_dim=latent.shape[-1], decoder_depth=0)
    moved = direct(latent + 1, ids_restore) - direct(latent, ids_restore)
    assert torch.equal(moved.abs().amax(-1) > 0, mask == 0)
