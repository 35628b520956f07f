# Copyright (c) aemim_mm contributors. All rights reserved.
import torch
from mmpretrain.models.selfsup.cae import DALLEEncoder

from aemim_mm.models.tokenizers import DALLETokenizer

SMALL = dict(n_hid=8, n_blk_per_group=1, vocab_size=16)


def build():
    torch.manual_seed(0)
    return DALLETokenizer(
        encoder=dict(type='DALL-E', **SMALL),
        decoder=dict(type='DALLEDecoder', n_init=8, **SMALL),
    )


def test_golden_tokens_and_their_decode():
    tokenizer = build()
    x = torch.rand(2, 3, 32, 32)
    tokens = tokenizer(x)
    assert isinstance(tokenizer.encoder, DALLEEncoder)
    assert torch.equal(tokens, tokenizer.encoder(x).argmax(1))
    assert tokens.shape == (2, 4, 4) and len(tokens.unique()) > 1
    assert torch.equal(tokenizer.decode(tokens), tokenizer.decoder(tokens))


def test_it_is_frozen_and_stays_in_evaluation_mode():
    model = torch.nn.ModuleList([build()]).train()
    assert not any(module.training for module in model[0].modules())
    assert not any(p.requires_grad for p in model.parameters())
    x = torch.rand(1, 3, 16, 16, requires_grad=True)
    assert not model[0].decode(model[0](x)).requires_grad
