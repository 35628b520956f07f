# Copyright (c) aemim_mm contributors. All rights reserved.
import copy
import re

import pytest
from mmengine.config import Config

from aemim_mm.engine import run_options


@pytest.mark.parametrize(
    'option, in_file, expected',
    [
        ('cli', 'file', 'cli'),
        (None, 'file', 'file'),
        (None, None, './work_dirs/mae'),
    ],
)
def test_work_dir(option, in_file, expected):
    cfg = Config(dict(work_dir=in_file))
    run_options.set_work_dir(cfg, 'configs/mae.py', option)
    assert cfg.work_dir == expected


def test_dataloader_defaults_do_not_override():
    loader = dict(batch_size=2, persistent_workers=True)
    cfg = Config(dict(default_scope='mmpretrain', train_dataloader=loader))
    run_options.set_dataloader_defaults(
        cfg, 'train_dataloader', persistent_workers=False, num_workers=3
    )
    assert cfg.train_dataloader == dict(
        batch_size=2,
        persistent_workers=True,
        num_workers=3,
        pin_memory=True,
        collate_fn=dict(type='default_collate'),
    )
    run_options.set_dataloader_defaults(cfg, 'train_dataloader', True)
    assert cfg.train_dataloader.pin_memory is False
    run_options.set_dataloader_defaults(cfg, 'val_dataloader')
    assert 'val_dataloader' not in cfg


def test_detection_keeps_mmengines_collate_function():
    cfg = Config(dict(default_scope='mmdet', test_dataloader=dict()))
    run_options.set_dataloader_defaults(cfg, 'test_dataloader')
    assert cfg.test_dataloader == dict(pin_memory=True)


def test_missing_checkpoint(tmp_path):
    path = str(tmp_path / 'no.pth')
    with pytest.raises(FileNotFoundError, match=f'--resume.*{path}'):
        run_options.check_checkpoint('--resume', path)
    run_options.check_checkpoint('load_from', 'https://host/model.pth')
    (tmp_path / 'no.pth').touch()
    run_options.check_checkpoint('--resume', path)


def test_runner_type_selects_the_runner(monkeypatch):
    built = []
    monkeypatch.setattr(run_options.RUNNERS, 'build', built.append)
    monkeypatch.setattr(
        run_options.Runner, 'from_cfg', lambda cfg: built.append('stock')
    )
    custom = Config(dict(runner_type='FlexibleRunner'))
    run_options.build_runner(custom)
    run_options.build_runner(Config(dict(model=None)))
    assert built == [custom, 'stock']


def test_a_stock_config_gets_the_training_defaults():
    own = dict(type='EpochSeedHook', priority='HIGH')
    cfg = Config(dict(custom_hooks=[own]))
    run_options.add_training_defaults(cfg)
    assert cfg.custom_hooks == [own, dict(type='mmpretrain.RecipeInfoHook')]
    pattern = cfg.log_processor.mean_pattern
    for name in ('recon_adv', 'distance_end', 'loss_clean', 'data_time'):
        assert re.search(pattern, f'train/{name}')
    assert not re.search(pattern, 'train/lr')
    before = copy.deepcopy(cfg)
    run_options.add_training_defaults(cfg)
    assert cfg.to_dict() == before.to_dict()
    cfg = Config(dict(log_processor=dict(window_size=5)))
    run_options.add_training_defaults(cfg)
    assert cfg.log_processor == dict(window_size=5)
