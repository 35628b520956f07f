# Copyright (c) aemim_mm contributors. All rights reserved.
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
