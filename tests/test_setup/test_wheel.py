# Copyright (c) aemim_mm contributors. All rights reserved.
"""The built wheel: what it holds, and that it works far from the checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from fashion_mnist_files import write_fashion_mnist

from aemim_mm import __version__

ROOT = Path(__file__).resolve().parents[2]
RECIPE = 'aemim_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist'
FOLDERS = (
    'aemim_mm_cli',
    'aemim_mm',
    'benchmarks',
    'configs',
    'tests',
    'tools',
)
FILES = ('setup.py', 'pyproject.toml', 'README.md', 'LICENSE')
FILES += ('model-index.yml',)
NAMES = f"""
import mmpretrain, aemim_mm
assert 'site-packages' in aemim_mm.__file__
assert '{RECIPE}' in mmpretrain.list_models('*aemim*')
model = mmpretrain.get_model('{RECIPE}', pretrained=False)
print(type(model).__name__)
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    source = tmp_path_factory.mktemp('source')
    for name in FOLDERS:
        skip = shutil.ignore_patterns('__pycache__', '*.egg-info')
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=skip)
    for name in FILES:
        shutil.copy(ROOT / name, source)
    command = [sys.executable, '-m', 'pip', 'wheel', '-q', '--no-deps']
    command += ['--no-build-isolation', '-w', 'out', '.']
    subprocess.run(command, cwd=source, check=True)
    (path,) = (source / 'out').iterdir()
    return path


@pytest.fixture(scope='module')
def environment(wheel, tmp_path_factory):
    """An environment with the wheel; other packages are those of this one."""
    folder = tmp_path_factory.mktemp('environment')
    create = [sys.executable, '-m', 'venv', '--without-pip', folder]
    subprocess.run(create, check=True)
    python = folder / 'bin' / 'python'
    pip = [sys.executable, '-m', 'pip', '--python', python, 'install', '-q']
    subprocess.run([*pip, '--no-deps', '--no-index', wheel], check=True)
    # After the installation: pip must not see, and replace, what lies there.
    (packages,) = folder.glob('lib/*/site-packages')
    (packages / 'others.pth').write_text(sysconfig.get_path('purelib'))
    return folder


def run(environment, name, *arguments, cwd):
    """Run a program of the environment; its output."""
    variables = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
    variables.update(OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='-1')
    done = subprocess.run(
        [environment / 'bin' / name, *map(str, arguments)],
        cwd=cwd,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_holds_package_command_configs_and_tools(wheel):
    files = zipfile.ZipFile(wheel).namelist()
    assert {name.split('/')[0] for name in files} == {
        'aemim_mm_cli', 'aemim_mm', f'aemim_mm-{__version__}.dist-info',
    }  # fmt: skip
    for name in ('py.typed', 'reproduction/paper.yaml', 'core/__init__.py'):
        assert f'aemim_mm/{name}' in files
    archive = zipfile.ZipFile(wheel)
    dist_info = f'aemim_mm-{__version__}.dist-info'
    names = archive.read(f'{dist_info}/top_level.txt').decode().split()
    assert names[0] == 'aemim_mm'  # where mmengine looks for .mim
    mim = {name for name in files if name.startswith('aemim_mm/.mim/')}
    configs = (ROOT / 'configs').rglob('*.*')
    there = {f'aemim_mm/.mim/{p.relative_to(ROOT)}' for p in configs}
    assert {n for n in there if '__pycache__' not in n} <= mim
    assert 'aemim_mm/.mim/model-index.yml' in mim
    assert 'aemim_mm/.mim/tools/train.py' in mim
    # What stands on benchmarks/ or requirements/ would not run.
    assert not [n for n in mim if 'benchmark_' in n or '/setup/' in n]


def test_trains_by_name_and_by_base(environment, tmp_path):
    data = tmp_path / 'data' / 'fashion_mnist'
    data.parent.mkdir()
    write_fashion_mnist(data)
    options = (
        '--cfg-options',
        'train_cfg.max_epochs=1',
        'train_dataloader.batch_size=4',
        'train_dataloader.num_workers=0',
        'train_dataloader.dataset.indices=8',
        'default_hooks.logger.interval=1',
    )
    output = run(environment, 'aemim', 'train', RECIPE, *options, cwd=tmp_path)
    assert '[1][2/2]' in output
    assert (tmp_path / 'work_dirs' / RECIPE / 'epoch_1.pth').is_file()

    own = tmp_path / 'own.py'
    own.write_text(f"_base_ = 'aemim_mm::pretrain/{RECIPE}.py'\n")
    output = run(
        environment, 'aemim', 'train', own, '--check', *options, cwd=tmp_path
    )
    assert 'This run can start. 2 iterations: 1 epochs of 2' in output
    assert not (tmp_path / 'work_dirs' / 'own').exists()


def test_mmpretrain_knows_the_recipes(environment, tmp_path):
    output = run(environment, 'python', '-c', NAMES, cwd=tmp_path)
    assert output.splitlines()[-1].startswith('AEMIMAlgorithm')
