# Copyright (c) aemim_mm contributors. All rights reserved.
import json

import pytest
import torch
from tiny_run import load_tool

from benchmarks.host_time import MODELS, HostRow


@pytest.fixture
def tool():
    """The tool; its setting of threads ends with the test."""
    before = torch.get_num_threads()
    yield load_tool('benchmark_host')
    torch.set_num_threads(before)


def test_table_and_json(tool, tmp_path, monkeypatch, capsys):
    def measure_host(rounds, warmup, tick):
        assert torch.get_num_threads() == 1
        for _ in range(len(MODELS) * (rounds + warmup)):
            tick()
        return [HostRow('stock MAE', 0.0284, 1.0, [0.0284] * rounds)]

    monkeypatch.setattr(tool, 'measure_host', measure_host)
    path = tmp_path / 'host.json'
    options = ['--rounds=3', '--warmup=1', f'--json={path}']
    assert tool.main(options) == 0
    text = capsys.readouterr().out
    assert 'medians of 3 steps; 1 CPU threads' in text
    assert '| stock MAE | 28.4 | 1.00 |' in text
    content = json.loads(path.read_text())
    assert content['settings'] == dict(rounds=3, warmup=1)
    (row,) = content['rows']
    assert (row['name'], row['seconds']) == ('stock MAE', 0.0284)
    assert row['step_seconds'] == [0.0284] * 3


def test_profile(tool, capsys):
    assert tool.main(['--profile', 'our MAE', '--warmup=1']) == 0
    text = capsys.readouterr().out
    assert 'Ordered by: cumulative time' in text and '(step)' in text
