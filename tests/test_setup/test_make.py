# Copyright (c) aemim_mm contributors. All rights reserved.
"""The Makefile's phases, with a Python that only notes what it is to do."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ['core', 'headless', 'import']
DET = ['build', 'wheel', 'force', 'det', 'check']
CALLS = {
    'install': ['preflight', 'venv', *CORE],
    'install-det': ['preflight --compiler', 'venv', *CORE, *DET],
    'test': [
        'preflight --compiler', 'venv', *CORE, *DET, 'robustness', 'tests',
        'dev', 'pytest',
    ],
    'test-fast': ['preflight', 'venv', *CORE, 'tests', 'dev', 'pytest'],
    'lint': ['preflight', 'venv', 'dev', 'ruff', 'ruff'],
    'types': ['preflight', 'venv', *CORE, 'dev', 'mypy'],
}  # fmt: skip
# A word of the command line, and the step that it means.
STEPS = {
    '--compiler': 'preflight --compiler',
    'tools/setup/preflight.py': 'preflight',
    'tools/setup/mmcv_wheel.py': 'wheel',
    'tools/setup/check_ops.py': 'check',
    'opencv-python-headless': 'headless',
    'built.whl': 'force',
    '--upgrade': 'newest',
    'list': 'list',
    'venv': 'venv',
    'pytest': 'pytest',
    'ruff': 'ruff',
    'mypy': 'mypy',
    'import mmpretrain, timm, torchvision': 'import',
}
FAKE = """#!/bin/bash
log={log}
printf '%s|' "$@" >> $log; echo >> $log
[[ "$*" == *mmcv_wheel.py ]] && echo built.whl
[[ "$*" == "-m venv "* ]] && mkdir -p ${{!#}}/bin && cp $0 ${{!#}}/bin/python
[[ -z "$FAIL" || "$*" != *$FAIL* ]]
"""


class Clone:
    """What make reads, in a folder of its own."""

    def __init__(self, path):
        self.path = path
        shutil.copy(ROOT / 'Makefile', path)
        shutil.copytree(ROOT / 'requirements', path / 'requirements')
        (path / 'aemim_mm').mkdir()
        (path / 'setup.py').touch()
        (path / 'aemim_mm' / 'version.py').touch()
        self.python = path / 'fake-python'
        self.log = path / 'log'
        self.python.write_text(FAKE.format(log=self.log))
        self.python.chmod(0o755)

    def make(self, target, fail=''):
        """Run make; the steps in order, and what it gave back."""
        self.log.write_text('')
        env = {k: v for k, v in os.environ.items() if 'MAKE' not in k}
        done = subprocess.run(
            ['make', target, f'PYTHON={self.python}'],
            cwd=self.path,
            env={**env, 'FAIL': fail},
            capture_output=True,
            text=True,
        )
        return [_step(x) for x in self.log.read_text().splitlines()], done


def _step(line):
    words = line.strip('|').split('|')
    for word, step in STEPS.items():
        if word in words:
            return step
    return Path(words[words.index('-r') + 1]).stem


@pytest.fixture
def clone(tmp_path):
    return Clone(tmp_path)


@pytest.mark.parametrize('target', CALLS)
def test_steps_of_a_target_and_nothing_twice(clone, target):
    steps, done = clone.make(target)
    assert done.returncode == 0, done.stderr
    assert steps == CALLS[target]
    steps, done = clone.make(target)
    assert done.returncode == 0, done.stderr
    used = {'pytest', 'ruff', 'mypy'}
    # the compiler is asked for only until the ops are there
    assert steps == ['preflight', *(x for x in CALLS[target] if x in used)]


@pytest.mark.parametrize(
    'changed, again',
    [
        ('requirements/onedl.txt', [*CORE, *DET]),
        ('setup.py', [*CORE, *DET]),
        ('requirements/opencv-python/pyproject.toml', [*CORE, *DET]),
        ('requirements/build.txt', DET),
        ('requirements/dev.txt', ['dev']),
    ],
)
def test_what_changed_is_installed_again(clone, changed, again):
    clone.make('test')
    (clone.path / changed).touch()
    steps, _ = clone.make('test')
    assert steps == ['preflight', *again, 'pytest']


@pytest.mark.parametrize('step', ['import', 'wheel', 'venv'])
def test_failure_leaves_no_stamp(clone, step):
    _, done = clone.make('install-det', fail=step)
    assert done.returncode != 0
    steps, done = clone.make('install-det')
    assert done.returncode == 0
    assert step in steps


def test_missing_parts_of_the_machine_are_named_first(clone):
    steps, done = clone.make('test', fail='preflight.py')
    assert done.returncode != 0
    assert steps == ['preflight --compiler']


def test_later_phases_leave_the_core_as_it_is(clone):
    clone.make('test')
    lines = [x for x in clone.log.read_text().splitlines() if '-r|' in x]
    assert len(lines) == 6
    for line in lines[2:]:
        assert '-c|requirements/core.txt|-c|requirements/onedl.txt' in line


def test_the_newest_are_bounded_by_setup_py_alone(clone):
    steps, done = clone.make('test-newest')
    assert done.returncode == 0, done.stderr
    assert steps == ['preflight', 'venv', 'newest', 'list', 'pytest']
    lines = clone.log.read_text().splitlines()
    (install,) = [line.split('|') for line in lines if '|install|' in line]
    assert '--upgrade' in install and '.[onedl,dev]' in install
    assert not {'-c', '-r'} & set(install)
    assert not [word for word in install if '==' in word]
    assert (clone.path / '.venv-newest').is_dir()
    assert not (clone.path / '.venv').exists()
    assert 'not slow and not det and not gpu' in lines[-1].split('|')


def test_one_opencv(clone):
    """The stand-in comes with the core, and is not replaced afterwards."""
    clone.make('test')
    lines = clone.log.read_text().splitlines()
    core = next(x for x in lines if '|-r|requirements/core.txt' in x)
    assert '|./requirements/opencv-python|' in core
    assert not [x for x in lines if '|opencv-python|' in x]


def test_fast_tests_are_there_and_need_no_detection(clone):
    clone.make('test-fast')
    words = clone.log.read_text().splitlines()[-1].split('|')
    assert 'not slow and not det and not gpu' in words
    folders = [word for word in words if word.startswith('tests/')]
    assert folders
    assert all((ROOT / folder).is_dir() for folder in folders)


def test_make_without_target_lists_the_targets(clone):
    text = clone.make('help')[1].stdout
    phony = (ROOT / 'Makefile').read_text().partition('.PHONY:')[2]
    names = phony.partition('\n\n')[0].replace('\\', ' ').split()
    for name in set(names) - {'help', 'preflight', 'preflight-det'}:
        assert f'make {name} ' in text


def test_make_names_a_missing_python(clone):
    clone.python = 'no-such-python'
    _, done = clone.make('install')
    assert done.returncode != 0
    assert 'there is no no-such-python' in done.stderr
