# Copyright (c) aemim_mm contributors. All rights reserved.
import json
from operator import truediv

import pytest
import torch
from tiny_run import ROOT, load_tool
from torch import nn

from benchmarks.cost import measurement
from benchmarks.trainee import Trainee

PRETRAIN = ROOT / 'configs' / 'pretrain'
NAMES = [
    f'{name}_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist'
    for name in ('mae', 'aemim', 'fast-aemim')
]


@pytest.fixture(scope='module')
def tool():
    return load_tool('benchmark_cost')


def test_table_and_json(tool, tmp_path, capsys):
    path = tmp_path / 'cost.json'
    configs = [str(PRETRAIN / f'{name}.py') for name in NAMES]
    options = ['--batch-size=4', '--iters=3', '--no-memory', f'--json={path}']
    assert tool.main([*configs, *options, '--profile']) == 0
    content = json.loads(path.read_text())
    settings = content['settings']
    assert (settings['batch_size'], settings['precision']) == (4, 'fp32')
    rows = content['rows']
    assert [row['name'] for row in rows] == NAMES
    base, aemim, fast = rows
    assert base['ratio'] == base['floor_operations'] == 1
    assert base['attack_share'] == 0
    for row in rows:
        assert len(row['step_seconds']) == 3
        median = sorted(row['step_seconds'])[1]
        assert row['seconds'] == median
        assert row['images_per_second'] == pytest.approx(4 / median)
        assert row['peak_bytes'] is None
        assert row['kinds_seconds']['matrix products'] > 0
    # By hand from the parts: 2 steps on all, 1 step on one of four.
    parts = base['parts_operations']
    training = sum(
        parts[k]
        for k in ('encoder', 'encoder_backward', 'decoder', 'decoder_backward')
    )
    step = parts['encoder'] + parts['encoder_pixels']
    assert aemim['floor_operations'] == pytest.approx(2 + 2 * step / training)
    assert fast['floor_operations'] == pytest.approx(
        1.25 + 0.25 * step / training
    )
    assert 0 < fast['attack_share'] < 1
    ratios = map(truediv, aemim['step_seconds'], base['step_seconds'])
    assert aemim['ratio'] == pytest.approx(sorted(ratios)[1])
    assert aemim['floor_times'] > 1
    text = capsys.readouterr().out
    assert 'batch size 4, fp32, medians of 3 steps' in text
    assert f'| {NAMES[1]} |' in text
    profiled = text.partition("In percent of the base's step, profiled:")[2]
    _, line = profiled.split(f'| {NAMES[0]} | ')
    line = line.partition('\n')[0]
    shares = [float(cell) for cell in line.strip(' |').split('|')]
    assert sum(shares) == pytest.approx(100, abs=0.5)


def test_blocks_are_compiled_and_weights_laid_out(tool, monkeypatch):
    made = []

    class Watched(Trainee):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            made.append(self.model)

    monkeypatch.setattr(measurement, 'Trainee', Watched)
    options = ['--batch-size=2', '--iters=1', '--no-memory', '--no-parts']
    options += ['--warmup=2', '--compile', '--channels-last']
    path = str(PRETRAIN / f'{NAMES[1]}.py')
    seen = []
    monkeypatch.setattr(
        nn.Module, 'compile', lambda self, **kwargs: seen.append(self)
    )
    assert tool.main([path, *options]) == 0
    *_, timed = made
    blocks = [*timed.backbone.layers, *timed.neck.decoder_blocks]
    assert seen == blocks  # none of the model whose operations are counted
    weight = timed.backbone.patch_embed.projection.weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
