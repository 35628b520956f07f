# Copyright (c) aemim_mm contributors. All rights reserved.
"""The weights of a pickled network come out, and no code is run."""

import pytest
import torch
from dalle_files import save_decoder
from torch import nn

from aemim_mm.checkpoints import load_checkpoint_file, safe_loading
from aemim_mm.models.tokenizers import DALLEDecoder


@pytest.fixture
def decoder():
    torch.manual_seed(0)
    return DALLEDecoder(n_init=8, n_hid=8, n_blk_per_group=1, vocab_size=16)


def test_the_tensors_of_a_published_decoder(tmp_path, decoder):
    path = tmp_path / 'decoder.pkl'
    save_decoder(path, decoder)
    loaded = load_checkpoint_file(path)
    assert list(loaded) == ['state_dict']
    expected = decoder.state_dict()
    assert list(loaded['state_dict']) == list(expected)
    for key, value in expected.items():
        assert torch.equal(loaded['state_dict'][key], value)
        assert not loaded['state_dict'][key].requires_grad
    with pytest.raises(Exception, match='dall_e'):
        torch.load(path, weights_only=True)


def test_init_cfg_loads_it(tmp_path, decoder):
    path = tmp_path / 'decoder.pkl'
    save_decoder(path, decoder)
    other = DALLEDecoder(
        n_init=8,
        n_hid=8,
        n_blk_per_group=1,
        vocab_size=16,
        init_cfg=dict(type='Pretrained', checkpoint=str(path)),
    )
    tokens = torch.randint(16, (2, 3, 3))
    assert not torch.equal(other(tokens), decoder(tokens))
    with safe_loading():
        other.init_weights()
    assert torch.equal(other(tokens), decoder(tokens))


def test_another_class_is_refused(tmp_path, decoder):
    path = tmp_path / 'decoder.pkl'
    save_decoder(path, decoder, root='Surprise')
    with pytest.raises(ValueError, match=r'dall_e\.decoder\.Surprise'):
        load_checkpoint_file(path)
    torch.save(nn.Sequential(nn.Linear(2, 2)), path)
    with pytest.raises(ValueError, match='Linear'):
        load_checkpoint_file(path)
