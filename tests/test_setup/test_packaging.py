# Copyright (c) aemim_mm contributors. All rights reserved.
import os
import runpy
import subprocess
from pathlib import Path

import pytest

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


def test_hard_requirements_are_ranges(metadata):
    assert metadata['install_requires'] == [
        'torch>=2.6',
        'torchvision>=0.21',
        'timm>=1.0',
        'safetensors>=0.4',
    ]
    assert metadata['python_requires'] == '>=3.10'
    assert metadata['version'] == __version__


def test_extras_are_the_tested_pins(metadata):
    extras = metadata['extras_require']
    assert 'onedl-mmpretrain==1.3.6' in extras['onedl']
    assert set(extras['onedl']) < set(extras['det'])
    assert 'onedl-mmdetection==3.5.1' in extras['det']


def test_only_the_package_is_packaged(metadata):
    assert 'aemim_mm.datasets' in metadata['packages']
    assert {name.split('.')[0] for name in metadata['packages']} == {
        'aemim_mm'
    }


def test_make_without_target_lists_the_targets():
    done = subprocess.run(
        ['make', '--no-print-directory'], cwd=ROOT, stdout=subprocess.PIPE
    )
    text = done.stdout.decode()
    for target in ('demo', 'test', 'install', 'install-det', 'lint'):
        assert f'make {target} ' in text


def test_make_names_a_missing_python():
    environment = {k: v for k, v in os.environ.items() if 'MAKE' not in k}
    done = subprocess.run(
        ['make', 'install', 'PYTHON=no-such-python'],
        cwd=ROOT,
        env=environment,
        capture_output=True,
    )
    assert done.returncode != 0
    assert b'there is no no-such-python' in done.stderr


def test_ci_runs_the_tests():
    script = ROOT / '.ci' / 'run'
    assert os.access(script, os.X_OK)
    assert script.read_text().splitlines()[-1] == 'make test'
