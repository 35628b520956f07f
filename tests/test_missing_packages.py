# Copyright (c) aemim_mm contributors. All rights reserved.
"""The tests skip, with the reason, what a missing package keeps from running.

A package is missing in a process whose ``sys.modules`` has None for it.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ABSENT = ('mmengine', 'mmcv', 'mmpretrain', 'mmdet', 'timm')


def run_pytest(absent, *options):
    """Run pytest without some packages; (exit status, output)."""
    code = (
        'import sys, pytest\n'
        f'sys.modules.update(dict.fromkeys({absent}))\n'
        'sys.exit(pytest.main(sys.argv[1:]))\n'
    )
    done = subprocess.run(
        [sys.executable, '-c', code, '-p', 'no:cacheprovider', *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    'absent',
    [
        # No file needs both of a pair.
        ('mmdet', 'foolbox'),
        ('mmcv._ext', 'imagecorruptions'),
        ('pycocotools', 'pyautoattack'),
        ('skimage',),
    ],
    ids=' '.join,
)
def test_collection_survives_without(absent):
    status, output = run_pytest(absent, '--collect-only', '-q')
    # It is 2 where a file cannot be imported.
    assert status == 0, output


@pytest.mark.slow
def test_without_openmmlab_the_core_is_tested():
    status, output = run_pytest(ABSENT, '-v')
    assert status == 0, output
    for folder in ('test_core', 'test_attacks'):
        assert f'tests/{folder}/test_' in output
    lines = output.splitlines()
    passed = [line for line in lines if ' PASSED' in line]
    assert len(passed) > 50
    assert all('/test_core/' in p or '/test_attacks/' in p for p in passed)
    # One for each of the other files.
    assert re.search(r'SKIPPED \[\d{3}\] .* needs mmengine, mmcv, mmp', output)
