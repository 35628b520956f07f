# Copyright (c) aemim_mm contributors. All rights reserved.
"""Tools run from any folder, in a checkout that is not installed."""

import sys

import pytest
import tiny_run

# What a tool is asked, its exit status, and some of what it says. Others run
# in processes of their own in the tests of what they do.
CASES = {
    'plot_losses': (['nowhere'], 2, 'error: no work directory nowhere'),
    'evaluate_robustness': (
        ['--compare', 'absent.json', '--out', 'out'],
        2,
        'error: a comparison needs two results.json',
    ),
    'prepare_fashion_mnist': (
        ['/dev/null/data'],
        2,
        'error: ',
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize('name', CASES)
def test_tool(name, tmp_path):
    arguments, status, text = CASES[name]
    env = tiny_run.environment(COLUMNS='80')
    del env['PYTHONPATH']
    tool = tiny_run.ROOT / 'tools' / f'{name}.py'
    code, output = tiny_run.finish(
        tiny_run.start(sys.executable, tool, *arguments, cwd=tmp_path, env=env)
    )
    assert code == status, output
    assert text in output
    assert 'Traceback' not in output
