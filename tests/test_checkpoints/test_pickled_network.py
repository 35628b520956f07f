# Copyright (c) aemim_mm contributors. All rights reserved.
"""The weights of a pickled network come out, and no code is run."""

from collections import OrderedDict

import pytest
import torch
from dalle_files import save_decoder
from torch import nn

from aemim_mm.checkpoints import load_checkpoint_file, safe_loading
from aemim_mm.checkpoints.pickled_network import PickledNetwork, tensors_of
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


def test_the_form_before_torch_1_6_is_refused_with_the_way_out(
    tmp_path, decoder, monkeypatch
):
    path, save = tmp_path / 'decoder.pkl', torch.save
    monkeypatch.setattr(
        'torch.save',
        lambda *args: save(*args, _use_new_zipfile_serialization=False),
    )
    save_decoder(path, decoder)
    with pytest.raises(ValueError, match='write only the weights'):
        load_checkpoint_file(path)


def network(**attributes):
    made = PickledNetwork()
    vars(made).update(attributes)
    return made


def test_attributes_in_the_file_are_never_called():
    """The file names any attribute, a method's name, too."""
    called = []
    made = network(
        _parameters=OrderedDict(a=torch.ones(1)),
        state_dict=called.append,
        _named=called.append,
        __dict__=dict(_parameters={}),
    )
    assert list(tensors_of(made)) == ['a'] and not called


def test_a_network_within_itself_ends():
    made = network(_parameters=dict(a=torch.ones(1)))
    vars(made)['_modules'] = OrderedDict(again=made)
    assert list(tensors_of(made)) == ['a']


@pytest.mark.parametrize(
    'attributes',
    [{}, dict(_parameters=None), dict(_parameters={'a': 1}, _modules=[1])],
)
def test_a_network_without_tensors_is_refused(attributes):
    with pytest.raises(ValueError, match='has no parameters'):
        tensors_of(network(**attributes))
