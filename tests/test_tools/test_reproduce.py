# Copyright (c) aemim_mm contributors. All rights reserved.
"""The command line of ``tools/reproduce.py``, and its smoke test."""

import json
import shutil
import subprocess

import pytest
import tiny_run


def main(*args):
    return tiny_run.load_tool('reproduce').main([str(arg) for arg in args])


def test_dry_run_prints_commands_and_writes_nothing(tmp_path, capsys):
    out = tmp_path / 'out'
    arguments = ('table4', '--rows', 'aemim-vit-s', '--out', out, '--dry-run')
    assert main(*arguments) == 0
    printed = capsys.readouterr().out.splitlines()
    commands = [line for line in printed if line and line[0] != '#']
    assert len(commands) == 9
    assert commands[0].startswith('tools/dist_train.sh configs/pretrain/')
    assert not out.exists()


def test_list(capsys):
    assert main('table6', '--list') == 0
    printed = capsys.readouterr().out
    assert '| MAE, ViT-B/16, 1600 epochs | 83.6 | 42.8 |' in printed


@pytest.mark.parametrize(
    'arguments, says',
    [
        ([], 'name a TABLE'),
        (['table3', '--out', 'x'], 'unknown: table3'),
        (['table4'], '--out DIR'),
        (['table4', '--out', 'x', '--seeds', '1', '1'], 'different numbers'),
        (['table4', '--out', 'x', '--gpus', '0'], '--gpus must be'),
        (['table4', '--out', 'x', '--rows', 'mea'], 'matches none'),
        (
            ['table7', '--out', 'x', '--preset', 'fashion-mnist'],
            'has no recipe for BEiT, ViT-S/16',
        ),
    ],
)
def test_what_does_not_fit(tmp_path, monkeypatch, capsys, arguments, says):
    monkeypatch.chdir(tmp_path)
    try:
        code = main(*arguments)
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    assert says in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_folder_of_another_preset(tmp_path, capsys):
    (tmp_path / 'reproduction.json').write_text('{"preset": "smoke"}')
    assert main('table4', '--out', tmp_path, '--report') == 2
    message = capsys.readouterr().err
    assert '--preset smoke' in message
    assert '--preset imagenet' in message


def test_report_of_nothing(tmp_path, capsys):
    assert main('--report', '--out', tmp_path) == 0
    assert capsys.readouterr().out.split() == [
        str(tmp_path / 'report.md'),
        str(tmp_path / 'tables.json'),
    ]


@pytest.mark.slow
@pytest.mark.det
def test_smoke(tmp_path):
    out = tmp_path / 'smoke'
    command = ['make', 'reproduce-smoke', f'SMOKE={out}']
    done = subprocess.run(command, cwd=tiny_run.ROOT, capture_output=True)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    tables = json.loads((out / 'tables.json').read_text())
    for name in ('table4', 'table5', 'table6', 'table7', 'table8', 'table9'):
        values = [
            value['measured']
            for row in tables[name]['rows']
            for value in row['values'].values()
        ]
        assert any(value is not None for value in values), name
    for name in ('figure2', 'figure3', 'figure4'):
        assert (out / f'{name}.png').is_file()
    # A second call has nothing to do.
    shutil.rmtree(out / 'aemim-eps1/seed0/top1')
    again = subprocess.run(command, cwd=tiny_run.ROOT, capture_output=True)
    steps = again.stdout.decode()
    assert steps.count('log: ') == 1
    assert 'aemim-eps1/seed0 top1: done' in steps
