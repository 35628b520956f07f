# Copyright (c) aemim_mm contributors. All rights reserved.
"""The tools execute nothing that a checkpoint holds."""

import os
import sys

import mmengine.runner.checkpoint as stock
import pytest
import tiny_run
import torch
from mmengine.runner import CheckpointLoader

from aemim_mm.checkpoints.safe_loader import load_from_local


@pytest.fixture(autouse=True)
def stock_loader(monkeypatch):
    loaders = {'': stock.load_from_local}
    monkeypatch.setattr(CheckpointLoader, '_schemes', loaders)


class _Evil:
    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return os.mkdir, (self.marker,)


@pytest.mark.parametrize('road', ['init_cfg', 'load_from', 'resume', 'test'])
def test_a_file_with_code_is_refused(tmp_path, monkeypatch, capsys, road):
    data = tiny_run.write_images(tmp_path / 'data', num=4)
    evil, marker = tmp_path / 'evil.pth', tmp_path / 'executed'
    torch.save(dict(state_dict={}, meta={}, x=_Evil(marker)), evil)
    tool, extra = 'train', ['--work-dir', tmp_path / 'w']
    cfg = tiny_run.pretrain_cfg(data, tiny_run.mae())
    if road == 'init_cfg':
        init_cfg = dict(type='Pretrained', checkpoint=str(evil))
        cfg['model']['backbone']['init_cfg'] = init_cfg
    elif road == 'load_from':
        cfg['load_from'] = str(evil)
    elif road == 'resume':
        extra += ['--resume', evil]
    else:
        tool, extra = 'test', [evil, *extra]
        cfg = tiny_run.classify_cfg(data)
    path = tiny_run.write_config(tmp_path / 'tiny.py', cfg)
    argv = [tool, path, *map(str, extra), '--traceback']
    monkeypatch.setattr(sys, 'argv', argv)
    with pytest.raises((ValueError, SystemExit)) as stop:
        tiny_run.load_tool(tool).main()
    said = capsys.readouterr().err + str(stop.value)
    assert 'evil.pth is refused' in said
    assert not marker.exists()


@pytest.mark.parametrize(
    'name', ['evaluate_robustness', 'visualize_reconstruction']
)
def test_tools_whose_models_may_read_weights(monkeypatch, name):
    monkeypatch.setattr(sys, 'argv', [name, '--help'])
    with pytest.raises(SystemExit):
        tiny_run.load_tool(name).main()
    assert CheckpointLoader._schemes[''] is load_from_local
