# Copyright (c) aemim_mm contributors. All rights reserved.
import argparse
import pickle

import numpy as np
import pytest
import torch
from evil_files import Evil
from mmengine.logging import HistoryBuffer
from safetensors.torch import save_file
from states import assert_equal_states

from aemim_mm.checkpoints import load_checkpoint_file


class _Private:
    pass


class _Escape:
    """A pickle that asks the stand-in for getattr for more."""

    def __init__(self, owner, name):
        self.args = (owner, name)

    def __reduce__(self):
        return getattr, self.args


def _save(tmp_path, content):
    path = tmp_path / 'file.pth'
    torch.save(content, path)
    return path


def test_mmengine_epoch_checkpoint(make_runner, tmp_path):
    runner = make_runner()
    runner.train()
    checkpoint = load_checkpoint_file(tmp_path / 'epoch_2.pth')
    assert checkpoint['meta']['epoch'] == 2
    assert checkpoint['meta']['iter'] == 8
    assert_equal_states(runner.model, checkpoint['state_dict'])
    assert len(checkpoint['optimizer']['state']) == 6
    scalars = checkpoint['message_hub']['log_scalars']
    expected = runner.message_hub.get_scalar('train/loss')
    loss = scalars['train/loss']
    assert isinstance(loss, HistoryBuffer)
    assert len(loss.data[0]) == 8
    np.testing.assert_array_equal(loss.data[0], expected.data[0])
    assert loss.statistics('mean') == expected.mean()


@pytest.mark.parametrize('core', ['core', '_core'])
def test_names_of_both_numpy_versions(tmp_path, core):
    # Protocol 2 spells the module out, so that it can be replaced; the names
    # differ in length, which that protocol does not record.
    content = dict(a=np.arange(3.0), b=np.float32(0.5), c=np.array(['x']))
    path = tmp_path / 'file.pth'
    torch.save(content, path, _use_new_zipfile_serialization=False)
    data = path.read_bytes()
    for name in (b'numpy.core.', b'numpy._core.'):
        data = data.replace(name, f'numpy.{core}.'.encode())
    assert data.count(f'numpy.{core}.'.encode()) >= 2
    path.write_bytes(data)
    loaded = load_checkpoint_file(path)
    assert loaded['a'].tolist() == [0.0, 1.0, 2.0]
    assert loaded['b'] == 0.5 and loaded['b'].dtype == np.float32
    assert loaded['c'].tolist() == ['x']


def test_command_line_of_other_recipes(tmp_path):
    args = argparse.Namespace(lr=1.5, blr=None)
    path = _save(tmp_path, dict(model={}, args=args))
    assert load_checkpoint_file(path)['args'] == args


def test_malicious_pickle_is_refused_and_not_executed(tmp_path):
    marker = tmp_path / 'executed'
    path = _save(tmp_path, dict(state_dict={}, x=Evil(marker)))
    with pytest.raises(ValueError, match=r'file\.pth is refused') as error:
        load_checkpoint_file(path)
    assert 'posix.mkdir' in str(error.value)
    assert 'add_safe_globals' in str(error.value)
    assert not marker.exists()
    # The file is what it claims to be.
    torch.load(path, weights_only=False)
    assert marker.exists()


@pytest.mark.parametrize('protocol', [2, 4])
def test_malicious_plain_pickle(tmp_path, protocol):
    marker = tmp_path / 'executed'
    path = tmp_path / 'file.pth'
    path.write_bytes(pickle.dumps(Evil(marker), protocol=protocol))
    with pytest.raises((ValueError, RuntimeError), match=r'file\.pth'):
        load_checkpoint_file(path)
    assert not marker.exists()


@pytest.mark.parametrize(
    'owner, name',
    [
        (HistoryBuffer, '__init__'),
        (HistoryBuffer, '_set_default_statistics'),
        (HistoryBuffer, '_statistics_methods'),
        (HistoryBuffer, 'nothing'),
        (np.ndarray, 'tofile'),
        (torch.Tensor, 'apply_'),
    ],
)
def test_getattr_serves_history_methods_only(tmp_path, owner, name):
    escape = _Escape(owner, name)
    path = tmp_path / 'file.pth'
    # Written by hand: pickling such an object would resolve it first.
    with open(path, 'wb') as file:
        for content in (
            torch.serialization.MAGIC_NUMBER,
            torch.serialization.PROTOCOL_VERSION,
            {},
            dict(x=escape),
            [],
        ):
            pickle.dump(content, file, protocol=2)
    with pytest.raises(ValueError, match=rf"getattr\(.*{name}'\)"):
        load_checkpoint_file(path)


def test_class_of_the_user(tmp_path):
    path = _save(tmp_path, dict(x=_Private()))
    with pytest.raises(ValueError, match='_Private'):
        load_checkpoint_file(path)
    allowed = [_Private, np.ndarray]
    with torch.serialization.safe_globals(allowed):
        assert isinstance(load_checkpoint_file(path)['x'], _Private)
        # What the user allowed stays allowed, also where it is on our list.
        assert set(torch.serialization.get_safe_globals()) >= set(allowed)
    assert np.dtype not in torch.serialization.get_safe_globals()


def test_map_location(tmp_path):
    path = _save(tmp_path, dict(x=torch.ones(2)))
    assert load_checkpoint_file(str(path), 'meta')['x'].is_meta


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no\.pth does not exist'):
        load_checkpoint_file(tmp_path / 'no.pth')
    with pytest.raises(FileNotFoundError, match='is a folder'):
        load_checkpoint_file(tmp_path)


@pytest.mark.parametrize('damage', ['truncated', 'empty', 'text', 'zeros'])
def test_damaged_file(tmp_path, damage):
    path = _save(tmp_path, dict(x=torch.randn(1000)))
    data = path.read_bytes()
    path.write_bytes(
        dict(
            truncated=data[: len(data) // 2],
            empty=b'',
            text=b'hello, I am no checkpoint\n',
            zeros=bytes(100),
        )[damage]
    )
    with pytest.raises(
        ValueError, match=r'file\.pth \(\d+ bytes\) could not be read'
    ):
        load_checkpoint_file(path)


def test_content_other_than_a_dict(tmp_path):
    path = _save(tmp_path, torch.ones(1))
    with pytest.raises(ValueError, match='holds a Tensor, not the dict'):
        load_checkpoint_file(path)


def test_safetensors(tmp_path):
    weights = dict(a=torch.arange(3.0), b=torch.ones(2, dtype=torch.half))
    path = tmp_path / 'file.safetensors'
    save_file(weights, path, metadata=dict(source='epoch_1.pth'))
    loaded = load_checkpoint_file(path)
    assert loaded.keys() == {'state_dict', 'meta'}
    assert loaded['meta'] == dict(source='epoch_1.pth')
    assert loaded['state_dict'].keys() == weights.keys()
    for key, value in weights.items():
        assert loaded['state_dict'][key].dtype == value.dtype
        assert torch.equal(loaded['state_dict'][key], value)
    for device in (None, torch.device('cpu')):
        assert load_checkpoint_file(path, device)['state_dict'].keys() == {
            'a',
            'b',
        }
    with pytest.raises(TypeError, match='go to a device'):
        load_checkpoint_file(path, lambda storage, location: storage)
    save_file(weights, path)
    assert load_checkpoint_file(path)['meta'] == {}


def test_a_damaged_safetensors_file(tmp_path):
    path = tmp_path / 'file.safetensors'
    save_file(dict(a=torch.arange(3.0)), path)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ValueError, match='most often it is truncated'):
        load_checkpoint_file(path)


def test_a_pickle_is_not_executed_under_the_name_of_safetensors(tmp_path):
    marker = tmp_path / 'executed'
    path = tmp_path / 'file.safetensors'
    torch.save(dict(x=Evil(marker)), path)
    with pytest.raises(ValueError, match='could not be read'):
        load_checkpoint_file(path)
    assert not marker.exists()
