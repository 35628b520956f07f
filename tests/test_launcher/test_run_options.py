# Copyright (c) aemim_mm contributors. All rights reserved.
import copy
import os
import re
from unittest import mock

import pytest
from mmengine.config import Config

from aemim_mm.launcher import run_options
from aemim_mm_cli.quiet import is_news


@pytest.mark.parametrize(
    'option, in_file, options, expected',
    [
        ('cli', 'file', {'load_from': 'a/b.pth'}, 'cli'),
        (None, 'file', {'load_from': 'a/b.pth'}, 'file'),
        (None, None, None, './work_dirs/mae'),
        (None, None, {'load_from': 'a/b.pth'}, './work_dirs/mae_from-a-b'),
    ],
)
def test_work_dir(option, in_file, options, expected):
    cfg = Config(dict(work_dir=in_file))
    run_options.set_work_dir(cfg, 'configs/mae.py', option, options)
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


def test_home_of_a_checkpoint_is_expanded(monkeypatch, tmp_path):
    monkeypatch.setenv('HOME', str(tmp_path))
    with pytest.raises(FileNotFoundError, match='~/model.pth'):
        run_options.check_checkpoint('load_from', '~/model.pth')
    (tmp_path / 'model.pth').touch()
    run_options.check_checkpoint('load_from', '~/model.pth')


def start_cfg(work_dir, **cfg):
    return Config(dict(work_dir=str(work_dir), **cfg))


@pytest.mark.parametrize(
    'cfg, option, resume, load_from, sentence',
    [
        (dict(), None, False, None, 'starts anew.'),
        (dict(), 'auto', False, None, 'starts anew (--resume: '),
        (dict(load_from='a.pth'), None, False, 'a.pth', 'weights of a.pth.'),
        (dict(load_from='a.pth'), 'auto', False, 'a.pth', 'of a.pth (--res'),
        (dict(load_from='a.pth'), 'b.pth', True, 'b.pth', 'resumes from b.pt'),
        (dict(resume=True), None, True, None, 'from the latest checkpoint'),
        (dict(resume=True), 'b.pth', True, 'b.pth', 'resumes from b.pth.'),
        (
            dict(resume=True, load_from='a.pth'),
            'b.pth',
            True,
            'b.pth',
            'resumes from b.pth.',
        ),
    ],
)
def test_start(tmp_path, cfg, option, resume, load_from, sentence):
    cfg = start_cfg(tmp_path, **cfg)
    assert sentence in run_options.set_start(cfg, option)
    assert cfg.get('resume', False) is resume
    assert cfg.get('load_from', None) == load_from


def test_resume_and_load_from_in_one_config_name_both_ways_out(tmp_path):
    cfg = start_cfg(tmp_path, resume=True, load_from='a.pth')
    with pytest.raises(ValueError) as caught:
        run_options.set_start(cfg)
    assert '--cfg-options resume=False' in str(caught.value)
    assert '--resume a.pth' in str(caught.value)


def test_latest_checkpoint_that_is_gone(tmp_path):
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'epoch_3.pth'))
    with pytest.raises(FileNotFoundError, match='last_checkpoint.*epoch_3'):
        run_options.set_start(start_cfg(tmp_path), 'auto')


@pytest.mark.parametrize('moved', [True, False])
def test_a_folder_that_was_copied_or_moved(tmp_path, moved):
    """Its own checkpoint, not that of the folder it was copied from."""
    old, new = tmp_path / 'old', tmp_path / 'new'
    for folder in (old, new):
        folder.mkdir()
        (folder / 'epoch_3.pth').touch()
        (folder / 'last_checkpoint').write_text(str(old / 'epoch_3.pth'))
    if moved:
        (old / 'epoch_3.pth').unlink()
    cfg = start_cfg(new)
    own = str(new / 'epoch_3.pth')
    assert run_options.set_start(cfg, 'auto') == f'The run resumes from {own}.'
    assert (cfg.resume, cfg.load_from) == (True, own)


def test_a_run_that_was_killed_before_its_checkpoint_was_named(tmp_path):
    for age, name in enumerate(('epoch_10.pth', 'epoch_9.pth', 'best_1.pth')):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    cfg = start_cfg(tmp_path)
    newest = str(tmp_path / 'epoch_10.pth')
    assert run_options.set_start(cfg, 'auto') == (
        f'The run resumes from {newest}.'
    )
    assert (cfg.resume, cfg.load_from) == (True, newest)


def test_runner_type_selects_the_runner(monkeypatch):
    custom, stock = mock.Mock(), mock.Mock()
    monkeypatch.setattr(run_options.RUNNERS, 'build', lambda cfg: custom)
    monkeypatch.setattr(run_options.Runner, 'from_cfg', lambda cfg: stock)
    cfg = Config(dict(runner_type='FlexibleRunner'))
    assert run_options.build_runner(cfg) is custom
    assert run_options.build_runner(Config(dict(model=None))) is stock
    stock.logger.addFilter.assert_called_once_with(is_news)


def test_a_stock_config_gets_the_training_defaults():
    own = dict(type='EpochSeedHook', priority='HIGH')
    cfg = Config(dict(custom_hooks=[own]))
    run_options.add_training_defaults(cfg)
    assert cfg.custom_hooks == [
        own,
        dict(type='mmpretrain.RecipeInfoHook'),
        dict(type='mmpretrain.RunOriginHook'),
        dict(type='mmpretrain.InterruptHook'),
    ]
    pattern = cfg.log_processor.mean_pattern
    for name in ('recon_adv', 'distance_end', 'loss_clean', 'data_time'):
        assert re.search(pattern, f'train/{name}')
    assert not re.search(pattern, 'train/lr')
    before = copy.deepcopy(cfg)
    run_options.add_training_defaults(cfg)
    assert cfg.to_dict() == before.to_dict()


@pytest.mark.parametrize(
    'hooks, window',
    [
        (dict(logger=dict(type='LoggerHook', interval=100)), 100),
        (dict(logger=dict(type='LoggerHook')), 10),
        (dict(logger=None), 10),
        (None, 10),
    ],
)
def test_logged_values_are_means_over_the_interval(hooks, window):
    cfg = Config(
        dict(default_hooks=hooks, log_processor=dict(mean_pattern='x'))
    )
    run_options.add_training_defaults(cfg)
    assert cfg.log_processor == dict(
        by_epoch=True, mean_pattern='x', window_size=window
    )


@pytest.mark.parametrize('by_epoch', [True, False])
def test_the_log_counts_as_the_loop_does(by_epoch):
    cfg = Config(dict(train_cfg=dict(by_epoch=by_epoch)))
    run_options.add_training_defaults(cfg)
    assert cfg.log_processor.by_epoch is by_epoch


def test_own_log_processor_is_left_alone():
    cfg = Config(dict(log_processor=dict(window_size=5, by_epoch=False)))
    run_options.add_training_defaults(cfg)
    assert cfg.log_processor.window_size == 5
    assert cfg.log_processor.by_epoch is False
    cfg = Config(dict(log_processor=dict(type='my.Processor')))
    run_options.add_training_defaults(cfg)
    assert cfg.log_processor == dict(type='my.Processor')


def test_scope_of_a_stock_base_is_taken_from_functions():
    function = dict(type='default_collate', _scope_='mmpretrain')
    cfg = Config(dict(train_dataloader=dict(collate_fn=function)))
    run_options.set_dataloader_defaults(cfg, 'train_dataloader')
    assert cfg.train_dataloader.collate_fn == dict(type='default_collate')
