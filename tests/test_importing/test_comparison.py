# Copyright (c) aemim_mm contributors. All rights reserved.
import sys

import pytest
import torch
from foreign_files import write_mae

from aemim_mm.importing import checkpoint, import_checkpoint
from aemim_mm.importing.comparison import _transformers
from aemim_mm.importing.foreign_file import ForeignFile


@pytest.fixture
def mae(tmp_path):
    file, config = write_mae(tmp_path)
    return dict(file=file, kind='mae', config=config, out=tmp_path / 'o.pth')


@pytest.mark.parametrize(
    'key, wrong, right',
    [
        ('backbone.layers.1.ln2.bias', 'features', None),
        ('neck.decoder_blocks.1.attn.qkv.weight', 'decoder', 'features'),
        ('neck.mask_token', 'decoder', 'features'),
    ],
)
def test_a_tensor_that_is_wrong_is_seen(mae, monkeypatch, key, wrong, right):
    save = checkpoint.save_export

    def save_wrongly(path, weights, meta):
        save(path, {**weights, key: weights[key].flip(-1)}, meta)

    monkeypatch.setattr(checkpoint, 'save_export', save_wrongly)
    done = import_checkpoint(check=True, **mae)
    assert done.differences[wrong] > 1e-3
    assert not done.passed and not mae['out'].exists()
    if right:
        assert done.differences[right] < 1e-5


def test_transformers_that_is_not_there(tmp_path):
    foreign = ForeignFile(tmp_path / 'x', {}, [])
    with pytest.raises(ValueError, match='--source-python'):
        _transformers(foreign, torch.ones(1), sys.executable)
