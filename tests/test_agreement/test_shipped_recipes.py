# Copyright (c) aemim_mm contributors. All rights reserved.
"""Healthy runs of the shipped recipes start without a word."""

import importlib

import pytest
import tiny_run
from fashion_mnist_files import write_fashion_mnist
from test_configs import config_tools

from aemim_mm.datasets.label_spaces import imagenet_synsets

# Those that differ in size alone, or need other data, are left out.
OTHERS = ('/ablations/', '-small-', '800e', '1600e', 'mini-coco')
RECIPES = [
    name
    for name in config_tools.SHIPPED + config_tools.PLUG_IN
    if not any(part in name for part in OTHERS)
]
# The package has a function of the module's name.
CHECKS = importlib.import_module('aemim_mm.config_check.check_config')


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """ImageNet's and Fashion-MNIST's folders, with empty images."""
    folder = tmp_path_factory.mktemp('shipped')
    for split in ('train', 'val'):
        for synset in imagenet_synsets():
            path = folder / f'data/imagenet/{split}/{synset}'
            path.mkdir(parents=True)
            for index in range(5 if split == 'train' else 1):
                (path / f'{index}.JPEG').touch()
    write_fashion_mnist(folder / 'data/fashion_mnist')
    return folder


@pytest.mark.parametrize('name', RECIPES)
def test_nothing_is_said(name, data, monkeypatch, tmp_path):
    monkeypatch.chdir(data)
    # Checkpoints that are yet to come.
    monkeypatch.setattr(CHECKS, 'check_weights', lambda cfg: None)
    path = tiny_run.ROOT / 'configs' / name
    argv = [str(path), '--work-dir', str(tmp_path / 'w')]
    if config_tools.load(name).train_dataloader.dataset.get('ann_file'):
        # mmpretrain's stock data sets name a list.
        argv += ['--cfg-options', 'train_dataloader.dataset.ann_file=']
    run, _ = tiny_run.load_tool('train').prepare(argv)
    assert run.notes == []
