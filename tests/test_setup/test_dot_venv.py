# Copyright (c) aemim_mm contributors. All rights reserved.
import subprocess
import sys

import dot_venv
import pytest

VERSION = f'{sys.version_info.major}.{sys.version_info.minor}'


@pytest.fixture
def venv(monkeypatch, tmp_path):
    """An empty place for .venv, and the commands that are run."""
    commands = []
    monkeypatch.setattr(dot_venv, 'VENV', tmp_path / '.venv')
    monkeypatch.setattr(dot_venv, 'PYTHON', tmp_path / '.venv/bin/python')
    real = dot_venv.run

    def run(*command):
        commands.append(command[1:])
        return '' if command[1] == '-m' else real(*command)

    monkeypatch.setattr(dot_venv, 'run', run)
    return commands


def write_python(version, has_pip=True):
    dot_venv.PYTHON.parent.mkdir(parents=True)
    dot_venv.PYTHON.write_text(f'#!/bin/sh\necho {version}\n')
    dot_venv.PYTHON.chmod(0o755)
    if has_pip:
        site = dot_venv.VENV / f'lib/python{version}/site-packages'
        (site / 'pip').mkdir(parents=True)


def test_makes_it_where_there_is_none(venv):
    assert dot_venv.make_venv() == VERSION
    assert venv[-1] == ('-m', 'venv', '--clear', dot_venv.VENV)


def test_keeps_the_one_that_works(venv):
    write_python(VERSION)
    assert dot_venv.make_venv() == VERSION
    assert len(venv) == 1


def test_restores_pip(venv):
    write_python(VERSION, has_pip=False)
    assert dot_venv.make_venv() == VERSION
    assert venv[-1] == ('-m', 'ensurepip')


def test_never_replaces_one_of_another_version(venv):
    write_python('3.9')
    with pytest.raises(RuntimeError, match='holds Python 3.9.*make clean'):
        dot_venv.make_venv()
    assert len(venv) == 1


def test_run_returns_stdout_and_raises_on_failure():
    assert dot_venv.run('echo', 'some', 1) == 'some 1\n'
    with pytest.raises(subprocess.CalledProcessError):
        dot_venv.run('false')
