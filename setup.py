# Copyright (c) aemim_mm contributors. All rights reserved.
"""Packaging: metadata, files, and what the package needs, in ranges.

The exact versions of the tested environment are those of ``requirements/``,
with which the Makefile installs. Users install into environments that exist
already: an exact pin, or one on numpy or OpenCV, would replace their builds.
"""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent

# Below torch 2.6 ``torch.serialization.safe_globals`` takes no pairs (object,
# name), which the allow-list of the checkpoint loader holds.
REQUIRED = ['torch>=2.6']
# What the plug-in uses beside OpenMMLab.
PLUGIN = [
    'torchvision>=0.21',
    'timm>=1.0',
    'safetensors>=0.4',
    'tqdm>=4.60',
]
# OpenMMLab is an extra, not a requirement: its two families of distributions
# install the same import packages, and a hard requirement on one would
# overwrite the files of the other. Who has it already takes 'plugin'.
ONEDL = [
    *PLUGIN,
    'onedl-mmengine>=0.10.12',
    'onedl-mmcv>=2.3.6',
    'onedl-mmpretrain>=1.3.6',
]
WAVELETS = ['PyWavelets>=1.8']


def read_version() -> str:
    """The version, without importing the package (and with it torch)."""
    text = (ROOT / 'aemim_mm' / 'version.py').read_text()
    return re.search(r"^__version__ = '(.+)'$", text, re.MULTILINE).group(1)


setup(
    name='aemim_mm',
    version=read_version(),
    description='AEMIM (adversarial examples meet masked image modeling) '
    'as a plug-in for mmpretrain',
    long_description=(ROOT / 'README.md').read_text(),
    long_description_content_type='text/markdown',
    author='aemim_mm contributors',
    license='Apache-2.0',
    keywords='self-supervised learning, masked image modeling, adversarial '
    'examples, mmpretrain, OpenMMLab',
    project_urls={
        'Paper': 'https://arxiv.org/abs/2407.11537',
        'mmpretrain': 'https://github.com/open-mmlab/mmpretrain',
    },
    classifiers=[
        'Development Status :: 4 - Beta',
        'Environment :: Console',
        'Intended Audience :: Science/Research',
        'Operating System :: POSIX :: Linux',
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Programming Language :: Python :: 3.13',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
        'Topic :: Scientific/Engineering :: Image Recognition',
        'Typing :: Typed',
    ],
    # mmengine takes the first name of the wheel's, in order, for the package.
    # For mmengine the first in alphabetical order is the package: no name of
    # another one may stand before aemim_mm.
    packages=find_packages(include=['aemim_mm*']),
    package_data={
        'aemim_mm': [
            'py.typed',
            'reproduction/*.yaml',
            # Links in the checkout, files in the wheel.
            '.mim/model-index.yml',
            '.mim/configs/**/*.py',
            '.mim/configs/**/*.yml',
            '.mim/tools/*.py',
            '.mim/tools/*.sh',
        ]
    },
    # These need benchmarks/, or are for the checkout.
    exclude_package_data={
        'aemim_mm': ['.mim/tools/benchmark_*.py', '.mim/tools/*demo.py']
    },
    entry_points={'console_scripts': ['aemim = aemim_mm_cli.__main__:main']},
    python_requires='>=3.11',
    install_requires=REQUIRED,
    extras_require={
        'plugin': PLUGIN,
        'onedl': ONEDL,
        # mmdet draws in numpy and OpenCV through imaug, in ranges of its own.
        'det': [*ONEDL, 'onedl-mmdetection>=3.5.1', 'scikit-image>=0.25'],
        'wavelets': WAVELETS,
        'autoattack': ['pyautoattack>=0.2'],
        'robustness': [*ONEDL, 'imagecorruptions-imaug>=1.1.5'],
        'dev': [
            *WAVELETS,
            'hypothesis>=6.100',
            'pyautoattack>=0.2',
            'foolbox>=3.3.4',
            'pytest>=9',
            'pytest-xdist>=3.8',
            'ruff>=0.17',
            'mypy>=2.4',
            'pre-commit>=4',
        ],
    },
)
