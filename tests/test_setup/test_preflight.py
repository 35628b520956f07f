# Copyright (c) aemim_mm contributors. All rights reserved.
import sys

import preflight
import pytest


@pytest.mark.parametrize(
    'version, supported',
    [
        ((3, 9, 18), False),
        ((3, 10, 14), False),
        ((3, 11, 7), True),
        ((3, 13, 1), True),
        ((3, 14, 0), False),
    ],
)
def test_supported_python(version, supported):
    message = preflight.check_python(version)
    assert (message is None) == supported
    if not supported:
        assert f'Python 3.{version[1]} is not supported' in message
        assert 'PYTHON=python3.11' in message


def test_missing_ensurepip_names_the_package(monkeypatch):
    find_spec = preflight.importlib.util.find_spec
    monkeypatch.setattr(
        preflight.importlib.util,
        'find_spec',
        lambda name: None if name == 'ensurepip' else find_spec(name),
    )
    message = preflight.check_venv((3, 12, 1))
    assert 'lacks ensurepip,' in message
    assert 'python3.12-venv' in message


def test_compiler_is_the_one_torch_calls(monkeypatch, tmp_path):
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.delenv('CXX', raising=False)
    assert 'No C++ compiler (c++)' in preflight.check_compiler()
    own = tmp_path / 'my-compiler'
    own.touch(mode=0o755)
    monkeypatch.setenv('CXX', 'my-compiler')
    assert preflight.check_compiler() is None


def test_missing_headers_name_file_and_package(monkeypatch, tmp_path):
    paths = {'include': str(tmp_path)}
    monkeypatch.setattr(preflight.sysconfig, 'get_paths', lambda: paths)
    message = preflight.check_headers((3, 11, 2))
    assert f'{tmp_path}/Python.h' in message
    assert 'python3.11-dev' in message
    (tmp_path / 'Python.h').touch()
    assert preflight.check_headers((3, 11, 2)) is None


@pytest.mark.parametrize(
    'script, found',
    [
        (None, None),
        ('echo Python 3.11', None),
        ('echo Python 3.9', 'holds Python 3.9, this is Python 3.11;'),
        ('exit 1', 'holds a Python that does not run'),
    ],
)
def test_existing_environment(tmp_path, script, found):
    if script:
        python = tmp_path / 'bin' / 'python'
        python.parent.mkdir()
        python.write_text(f'#!/bin/sh\n{script}\n')
        python.chmod(0o755)
    message = preflight.check_existing((3, 11, 7), str(tmp_path))
    if found is None:
        assert message is None
    else:
        assert found in message
        assert 'make clean' in message


@pytest.mark.parametrize(
    'wanted, cached, problems',
    [(False, False, 0), (True, False, 2), (True, True, 0)],
)
def test_a_compiler_is_needed_where_nothing_is_cached(
    monkeypatch, tmp_path, wanted, cached, problems
):
    asked = []
    monkeypatch.setattr(
        'mmcv_wheel.is_cached', lambda *pins: asked.append(pins) or cached
    )
    monkeypatch.setenv('CXX', 'no-such-compiler')
    paths = {'include': str(tmp_path)}
    monkeypatch.setattr(preflight.sysconfig, 'get_paths', lambda: paths)
    monkeypatch.setattr(preflight, 'check_existing', lambda version: None)
    assert len(preflight.find_problems(compiler=wanted)) == problems
    assert asked == [('2.3.6', '2.9.1')] * wanted


def test_an_old_python_is_the_only_problem_named(monkeypatch):
    monkeypatch.setattr(sys, 'version_info', (3, 9, 1))
    (message,) = preflight.find_problems(compiler=True)
    assert 'Python 3.9 is not supported' in message
