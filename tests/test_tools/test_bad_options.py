# Copyright (c) aemim_mm contributors. All rights reserved.
"""Options that a tool refuses before it reads or writes anything."""

import pytest
from tiny_run import load_tool

# What has to stand before the options.
GIVEN = dict(
    benchmark_cost='base.py',
    make_corruptions='val c',
    test='c.py m.pth',
    visualize_reconstruction='c.py m.pth',
)
METRICS = '--out-item metrics'
ROWS = [
    ('benchmark_cost', '--batch-size=0', 'batch-size: must be above 0, but g'),
    ('benchmark_cost', '--iters=0', '--iters: must be above 0, but got 0'),
    ('benchmark_cost', '--warmup=0', '--warmup: must be above 0, but got 0'),
    ('benchmark_cost', '--compile --profile', 'leave out --compile'),
    ('benchmark_host', '--rounds=0', '--rounds: must be above 0, but got 0'),
    ('benchmark_host', '--warmup=-1', '--warmup: must be above 0, but got -1'),
    ('benchmark_host', '--profile=MoCo', "invalid choice: 'MoCo'"),
    (
        'benchmark_host',
        '--profile=AEMIM --json=a',
        'measures nothing for --json',
    ),
    ('benchmark_loader', '--images=0', '--images: must be above 0'),
    ('benchmark_loader', '--batch-size=0', '--batch-size: must be above 0'),
    ('benchmark_loader', '--num-workers=-1', '--num-workers: must be above'),
    ('benchmark_loader', '--rounds=0', '--rounds: must be above 0'),
    ('make_corruptions', '--corruptions speckle_noise', '--corruptions'),
    ('make_corruptions', '--severities 6', '--severities'),
    ('make_corruptions', '--per-class 0', '--per-class'),
    ('make_corruptions', '--workers -1', '--workers'),
    ('make_corruptions', '--size 32 --keep-size', '--size'),
    ('test', '--out a.json', 'needs a name that ends in .pkl'),
    ('test', '--out a.json', 'or choose --out-item metrics'),
    ('test', '--out a.yaml --out-item pred', '--out a.yaml'),
    ('test', f'--out a.csv {METRICS}', '.json, .yaml'),
    ('test', f'--out json {METRICS}', '--out json'),
    ('test', '--out-item pred', '--out-item needs --out'),
    ('visualize_reconstruction', '--num-images 0', '--num-images must be >='),
    ('visualize_reconstruction', '--seed -1', '--seed must be >='),
]


@pytest.mark.parametrize('tool, options, says', ROWS)
def test_refused(tool, options, says, capsys):
    argv = f'{GIVEN.get(tool, "")} {options}'.split()
    with pytest.raises(SystemExit) as stop:
        load_tool(tool).parse_args(argv)
    assert stop.value.code == 2
    usage, message = capsys.readouterr().err.rsplit('error: ', 1)
    assert usage.startswith('usage: ') and says in message
