# Copyright (c) aemim_mm contributors. All rights reserved.
"""Packaging: metadata, and requirements taken from ``requirements/``."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent

# The files in requirements/ pin the tested environment. A package is installed
# into environments that exist already, where an exact pin would replace the
# user's own torch (a CUDA or ROCm build, say) by ours: so it requires ranges.
# Below torch 2.6 ``torch.serialization.safe_globals`` takes no pairs (object,
# name), which the allow-list of the checkpoint loader holds.
REQUIRED = ['torch>=2.6', 'numpy>=1.26']
# What the plug-in uses beside OpenMMLab.
PLUGIN = ['torchvision>=0.21', 'timm>=1.0', 'safetensors>=0.4']


def read_requirements(name: str) -> list[str]:
    """The requirement lines of ``requirements/{name}.txt``."""
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text().splitlines()
    return [line for line in lines if line and not line.startswith('#')]


def read_version() -> str:
    """The version, without importing the package (and with it torch)."""
    text = (ROOT / 'aemim_mm' / 'version.py').read_text()
    return re.search(r"^__version__ = '(.+)'$", text, re.MULTILINE).group(1)


# OpenMMLab is an extra, not a requirement: its two families of distributions
# install the same import packages, and a hard requirement on one would
# overwrite the files of the other. Who has it already takes 'plugin'.
onedl = PLUGIN + read_requirements('onedl')
readme = ROOT / 'README.md'

setup(
    name='aemim_mm',
    version=read_version(),
    description='AEMIM (adversarial examples meet masked image modeling) '
    'as a plug-in for mmpretrain',
    long_description=readme.read_text() if readme.is_file() else '',
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    packages=find_packages(include=['aemim_mm*']),
    package_data={'aemim_mm': ['py.typed', 'reproduction/*.yaml']},
    python_requires='>=3.10',
    install_requires=REQUIRED,
    extras_require={
        'plugin': PLUGIN,
        'onedl': onedl,
        'det': onedl + read_requirements('det'),
        'wavelets': read_requirements('wavelets'),
        'autoattack': read_requirements('autoattack'),
        'robustness': onedl + read_requirements('robustness'),
        'dev': read_requirements('tests') + read_requirements('dev'),
    },
)
