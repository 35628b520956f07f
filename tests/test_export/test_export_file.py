# Copyright (c) aemim_mm contributors. All rights reserved.
import json

import pytest
import torch
from safetensors import safe_open

from aemim_mm.export.export_file import check_out, load_export, save_export

META = dict(target='timm', source=dict(epoch=3), dropped={})


@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_round_trip(tmp_path, suffix):
    weights = {
        'a': torch.randn(2, 3),
        'b': torch.arange(6).view(2, 3).T,
        'c': torch.randn(2).bfloat16(),
    }
    path = tmp_path / f'out{suffix}'
    save_export(path, weights, dict(META))
    got, meta = load_export(path)
    assert got.keys() == weights.keys()
    for key, value in weights.items():
        assert got[key].dtype == value.dtype
        assert torch.equal(got[key], value)
    for key, value in META.items():
        assert meta[key] == value


def test_pth_is_what_torch_loads_without_running_code(tmp_path):
    save_export(tmp_path / 'a.pth', {'w': torch.ones(1)}, META)
    loaded = torch.load(tmp_path / 'a.pth', weights_only=True)
    assert loaded.keys() == {'state_dict', 'meta'}
    assert loaded['meta'] == META


def test_safetensors_has_strings(tmp_path):
    path = tmp_path / 'a.safetensors'
    save_export(path, {'w': torch.ones(1)}, META)
    with safe_open(path, framework='pt') as file:
        strings = file.metadata()
    assert strings['format'] == 'pt'
    assert json.loads(strings['source']) == dict(epoch=3)


def test_names_that_are_refused(tmp_path):
    checkpoint, there = tmp_path / 'a.pth', tmp_path / 'b.pth'
    checkpoint.touch()
    there.touch()
    with pytest.raises(ValueError, match=r"suffix '.bin'.*safetensors"):
        check_out(tmp_path / 'c.bin', checkpoint, False)
    with pytest.raises(ValueError, match='b.pth exists; pass --force'):
        check_out(there, checkpoint, False)
    assert check_out(there, checkpoint, True) == there
    with pytest.raises(ValueError, match='a.pth is the checkpoint itself'):
        check_out(checkpoint, checkpoint, True)
    with pytest.raises(FileNotFoundError, match='folder .*none of d.pth'):
        check_out(tmp_path / 'none' / 'd.pth', checkpoint, False)
    (tmp_path / 'e.pth').mkdir()
    with pytest.raises(ValueError, match='e.pth is a folder'):
        check_out(tmp_path / 'e.pth', checkpoint, True)
