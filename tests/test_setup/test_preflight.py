# Copyright (c) aemim_mm contributors. All rights reserved.
import sys

import preflight
import pytest


@pytest.mark.parametrize('version', [(3, 10, 0), (3, 11, 7), (3, 13, 1)])
def test_supported_python(version):
    assert preflight.check_python(version) is None


@pytest.mark.parametrize('version', [(3, 9, 18), (3, 14, 0), (2, 7, 18)])
def test_unsupported_python_names_version_and_way_out(version):
    message = preflight.check_python(version)
    assert f'Python {version[0]}.{version[1]} is not supported' in message
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


def test_one_message_for_each_problem(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv('CXX', 'no-such-compiler')
    paths = {'include': str(tmp_path)}
    monkeypatch.setattr(preflight.sysconfig, 'get_paths', lambda: paths)
    monkeypatch.setattr(sys, 'version_info', (3, 9, 1))
    assert len(preflight.find_problems(compiler=True)) == 3
    assert preflight.main() == 1
    error = capsys.readouterr().err
    assert error.count('[setup]') == 1
    assert 'compiler' not in error
