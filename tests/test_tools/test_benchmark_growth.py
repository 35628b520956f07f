# Copyright (c) aemim_mm contributors. All rights reserved.
import json

import pytest
from tiny_run import ROOT, exit_code, load_tool

CONFIGS = [
    str(
        ROOT
        / 'configs/pretrain'
        / f'{name}_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py'
    )
    for name in ('mae', 'aemim')
]


@pytest.mark.slow
def test_table_and_json(tmp_path, capsys):
    path = tmp_path / 'growth.json'
    options = ['--batch-size=2', '--batch-sizes', '4', '--num-steps', '1', '3']
    options += ['--adv-ratios', '0.5', '--image-sizes', '--iters=1']
    tool = load_tool('benchmark_growth')
    assert (
        tool.main([*CONFIGS, *options, '--no-memory', f'--json={path}']) == 0
    )
    points = json.loads(path.read_text())['points']
    assert [(p['what'], p['value']) for p in points] == [
        ('batch size', 4),
        ('T', 1),
        ('T', 3),
        ('alpha', 0.5),
    ]
    # Against the closed form in the base's own parts.
    for point, share, steps in zip(
        points, (1, 1, 1, 0.5), (2, 1, 3, 2), strict=True
    ):
        base, row = point['rows']
        parts = base['parts_operations']
        names = ('encoder', 'decoder')
        training = sum(parts[n] + parts[f'{n}_backward'] for n in names)
        attack = steps * (parts['encoder'] + parts['encoder_pixels'])
        expected = 1 + share * (training + attack) / training
        assert abs(row['floor_operations'] - expected) < 1e-9
    table = [
        line
        for line in capsys.readouterr().out.splitlines()
        if line.startswith('|')
    ]
    assert len(table) == 2 + 4
    assert table[2].startswith('| batch size | 4 |')


def test_errors_are_one_line(capsys):
    tool = load_tool('benchmark_growth')
    assert exit_code(tool.main, [*CONFIGS, '--image-sizes', '30']) == 2
    err = capsys.readouterr().err
    assert err.startswith('error: an image size of 30 is no multiple of the')
    assert err.count('\n') == 1
