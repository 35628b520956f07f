# Copyright (c) aemim_mm contributors. All rights reserved.
import platform
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import mmcv_wheel
import pytest
from torch import __version__ as TORCH

NAME = 'onedl_mmcv-2.3.6-cp311-cp311-linux_x86_64.whl'


def write_wheel(path, member='mmcv/_ext.cpython-311-x86_64-linux-gnu.so'):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('mmcv/__init__.py', '')
        archive.writestr(member, 'x')
    return path


@pytest.mark.parametrize(
    'variables, expected',
    [
        ({'AEMIM_WHEEL_CACHE': '/w', 'XDG_CACHE_HOME': '/c'}, '/w'),
        ({'XDG_CACHE_HOME': '/c'}, '/c/aemim_mm/wheels'),
        ({'HOME': '/home/me'}, '/home/me/.cache/aemim_mm/wheels'),
    ],
)
def test_cache_root(monkeypatch, variables, expected):
    for name in ('AEMIM_WHEEL_CACHE', 'XDG_CACHE_HOME'):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert str(mmcv_wheel.cache_root()) == expected


def test_read_pin():
    assert mmcv_wheel.read_pin('torch') == '2.9.1'
    assert mmcv_wheel.read_pin('onedl-mmcv') == '2.3.6'


def test_cache_key_holds_all_that_matters():
    python = f'cp{sys.version_info.major}{sys.version_info.minor}'
    assert (
        mmcv_wheel.cache_key('2.3.6', '2.9.1+cu128', 'cu12.8-9.0')
        == f'mmcv-2.3.6_torch-2.9.1_{python}_cu12.8-9.0_{platform.machine()}'
    )


def test_only_whole_wheels_with_ops_are_found(tmp_path):
    assert mmcv_wheel.find_wheel(tmp_path / 'none') is None
    opless = write_wheel(tmp_path / f'a/{NAME}', 'mmcv/ops/nms.py')
    assert mmcv_wheel.find_wheel(opless.parent) is None
    good = write_wheel(tmp_path / f'b/{NAME}')
    assert mmcv_wheel.find_wheel(good.parent) == good
    good.write_bytes(good.read_bytes()[:-30])
    assert mmcv_wheel.find_wheel(good.parent) is None


def test_is_cached_for_any_target(monkeypatch, tmp_path):
    monkeypatch.setenv('AEMIM_WHEEL_CACHE', str(tmp_path))
    assert not mmcv_wheel.is_cached('2.3.6', '2.9.1')
    key = mmcv_wheel.cache_key('2.3.6', '2.9.1', 'cu12.8-9.0+PTX')
    write_wheel(tmp_path / key / NAME)
    assert mmcv_wheel.is_cached('2.3.6', '2.9.1')
    assert not mmcv_wheel.is_cached('2.3.6', '2.9.2')


def fake_pip(monkeypatch, member, returncode=0):
    calls = []

    def run(command, env, stdout):
        calls.append((command, env))
        scratch = Path(command[command.index('--wheel-dir') + 1])
        if member:
            write_wheel(scratch / NAME, member)
        return SimpleNamespace(returncode=returncode)

    monkeypatch.setattr(mmcv_wheel.subprocess, 'run', run)
    return calls


def test_build_moves_the_wheel_into_the_cache(monkeypatch, tmp_path):
    calls = fake_pip(monkeypatch, 'mmcv/_ext.so')
    folder = tmp_path / 'key'
    wheel = mmcv_wheel.build_wheel('2.3.6', folder, {'FORCE_CUDA': '1'})
    assert wheel == folder / NAME
    assert mmcv_wheel.holds_ops(wheel)
    assert list(folder.iterdir()) == [wheel]
    command, env = calls[0]
    wanted = {'--no-build-isolation', '--no-deps', '--no-cache-dir'}
    assert wanted < set(command)
    assert 'onedl-mmcv==2.3.6' in command
    assert env['FORCE_CUDA'] == '1'


@pytest.mark.parametrize(
    'member, returncode, message',
    [
        ('mmcv/ops/nms.py', 0, 'wheel without compiled ops'),
        (None, 0, 'wheel without compiled ops'),
        ('mmcv/_ext.so', 1, 'could not be compiled'),
    ],
)
def test_failed_build_leaves_the_cache_empty(
    monkeypatch, tmp_path, member, returncode, message
):
    fake_pip(monkeypatch, member, returncode)
    with pytest.raises(RuntimeError, match=message):
        mmcv_wheel.build_wheel('2.3.6', tmp_path, {})
    assert list(tmp_path.iterdir()) == []


def test_cached_wheel_is_not_built_again(monkeypatch, tmp_path):
    monkeypatch.setenv('AEMIM_WHEEL_CACHE', str(tmp_path))
    target = ('cpu', '', 'torch was built without CUDA')
    monkeypatch.setattr(mmcv_wheel, 'find_target', lambda: target)
    calls = fake_pip(monkeypatch, 'mmcv/_ext.so')
    first = mmcv_wheel.get_wheel('2.3.6')
    assert first.parent.name == mmcv_wheel.cache_key('2.3.6', TORCH, 'cpu')
    assert mmcv_wheel.get_wheel('2.3.6') == first
    assert len(calls) == 1
