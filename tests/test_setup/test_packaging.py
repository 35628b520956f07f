# Copyright (c) aemim_mm contributors. All rights reserved.
import runpy
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from aemim_mm import __version__
from aemim_mm.openmmlab import how_to_install

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


def requirements(metadata):
    extras = metadata['extras_require'].values()
    lines = [*metadata['install_requires'], *(x for e in extras for x in e)]
    return list(map(Requirement, lines))


def test_torch_alone_is_required(metadata):
    assert metadata['install_requires'] == ['torch>=2.6']
    assert metadata['python_requires'] == '>=3.11'
    assert metadata['version'] == __version__


def test_ranges_only_and_what_others_bring_is_left_to_them(metadata):
    for requirement in requirements(metadata):
        operators = {each.operator for each in requirement.specifier}
        assert operators == {'>='}, requirement
        assert 'opencv' not in requirement.name
        assert requirement.name != 'numpy'


def test_extras(metadata):
    extras = metadata['extras_require']
    names = {Requirement(each).name for each in extras['plugin']}
    assert names == {'torchvision', 'timm', 'safetensors', 'tqdm'}
    assert set(extras['plugin']) < set(extras['onedl']) < set(extras['det'])


def test_the_advice_is_the_extra(metadata):
    """Who has a wheel, or the clone alone, installs the same packages."""
    advised = how_to_install(['mmcv']).split('`')[1].split()[2:]
    onedl = map(Requirement, metadata['extras_require']['onedl'])
    assert set(advised) == {requirement.name for requirement in onedl}


def test_every_range_holds_the_tested_pin(metadata):
    pins = dict(
        line.split('==')
        for path in (ROOT / 'requirements').glob('*.txt')
        for line in path.read_text().split()
        if '==' in line
    )
    for requirement in requirements(metadata):
        assert requirement.specifier.contains(pins[requirement.name])


def test_one_opencv_is_installed():
    """The stand-in holds no files; the pinned build is the one it asks for."""
    folder = ROOT / 'requirements' / 'opencv-python'
    stand_in = tomllib.loads((folder / 'pyproject.toml').read_text())
    assert [p.name for p in folder.iterdir() if p.is_file()] == [
        'pyproject.toml'
    ]
    assert stand_in['tool']['setuptools']['packages'] == []
    assert stand_in['project']['name'] == 'opencv-python'
    (build,) = stand_in['project']['dependencies']
    pinned = (ROOT / 'requirements' / 'onedl.txt').read_text().splitlines()
    opencv = [line for line in pinned if line.startswith('opencv')]
    # mmdet's imaug bounds both by the same version
    assert opencv == [f'{build}=={stand_in["project"]["version"]}']
