# Copyright (c) aemim_mm contributors. All rights reserved.
import runpy
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from aemim_mm import __version__

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def metadata(monkeypatch):
    """What setup.py hands to setuptools."""
    given = {}
    monkeypatch.setattr(
        'setuptools.setup', lambda **kwargs: given.update(kwargs)
    )
    monkeypatch.chdir(ROOT)
    runpy.run_path(str(ROOT / 'setup.py'))
    return given


def test_torch_alone_is_required_and_in_ranges(metadata):
    assert metadata['install_requires'] == ['torch>=2.6', 'numpy>=1.26']
    assert metadata['python_requires'] == '>=3.10'
    assert metadata['version'] == __version__


def test_extras(metadata):
    extras = metadata['extras_require']
    assert {'torchvision>=0.21', 'timm>=1.0', 'safetensors>=0.4'} == set(
        extras['plugin']
    )
    assert 'onedl-mmpretrain==1.3.6' in extras['onedl']
    assert set(extras['plugin']) < set(extras['onedl']) < set(extras['det'])
    assert 'onedl-mmdetection==3.5.1' in extras['det']


def test_every_range_holds_the_tested_pin(metadata):
    pins = dict(
        line.split('==')
        for name in ('core', 'onedl')
        for line in (ROOT / f'requirements/{name}.txt').read_text().split()
        if '==' in line
    )
    ranges = (
        metadata['install_requires'] + metadata['extras_require']['plugin']
    )
    for requirement in map(Requirement, ranges):
        assert requirement.specifier.contains(pins[requirement.name])


@pytest.mark.slow
def test_wheel_holds_the_package_and_nothing_else(tmp_path):
    for name in ('aemim_mm', 'benchmarks', 'requirements', 'tests', 'tools'):
        skip = shutil.ignore_patterns('__pycache__')
        shutil.copytree(ROOT / name, tmp_path / name, ignore=skip)
    for name in ('setup.py', 'pyproject.toml', 'MANIFEST.in', 'README.md'):
        shutil.copy(ROOT / name, tmp_path)
    command = [sys.executable, '-m', 'pip', 'wheel', '-q', '--no-deps']
    command += ['--no-build-isolation', '-w', 'out', '.']
    subprocess.run(command, cwd=tmp_path, check=True)
    (wheel,) = (tmp_path / 'out').iterdir()
    files = zipfile.ZipFile(wheel).namelist()
    assert {name.split('/')[0] for name in files} == {
        'aemim_mm', f'aemim_mm-{__version__}.dist-info',
    }  # fmt: skip
    assert 'aemim_mm/py.typed' in files
    assert 'aemim_mm/reproduction/paper.yaml' in files
    assert 'aemim_mm/core/__init__.py' in files
