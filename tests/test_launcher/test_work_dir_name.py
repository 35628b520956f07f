# Copyright (c) aemim_mm contributors. All rights reserved.
import re

import pytest

from aemim_mm.launcher.work_dir_name import suffix

CHECKPOINT = 'model.backbone.init_cfg.checkpoint'


@pytest.mark.parametrize(
    'options, expected',
    [
        ({CHECKPOINT: 'work_dirs/mae/epoch_300.pth'}, '_from-mae-epoch_300'),
        ({CHECKPOINT: '/a/aemim/epoch_5.pth'}, '_from-aemim-epoch_5'),
        ({CHECKPOINT: 'https://host/vit/mae.pth'}, '_from-vit-mae'),
        ({'load_from': 'x/w.pth'}, '_from-x-w'),
        ({'model.adv_ratio': 0.5}, '_model.adv_ratio=0.5'),
        ({'optim_wrapper.optimizer.lr': 1e-3}, '_optimizer.lr=0.001'),
        ({'randomness.seed': 3}, '_randomness.seed=3'),
        (
            {CHECKPOINT: 'm/e.pth', 'model.head.drop': 0.1},
            '_from-m-e_head.drop=0.1',
        ),
    ],
)
def test_what_makes_another_run(options, expected):
    assert suffix(options) == expected
    assert suffix({**options, 'work_dir': 'w', 'resume': True}) == expected


@pytest.mark.parametrize(
    'options',
    [
        {'train_dataloader.dataset.data_root': '/data'},
        {'train_dataloader.num_workers': 2, 'val_dataloader.batch_size': 8},
        {'default_hooks.logger.interval': 1},
        # A run is resumed with these.
        {'train_cfg.max_epochs': 10, 'param_scheduler.1.T_max': 10},
        {'train_dataloader.batch_size': 32},
        {'optim_wrapper.accumulative_counts': 2},
        {'model.backbone.with_cp': True},
    ],
)
def test_what_does_not(options):
    assert suffix(options) == ''


def test_long_or_odd_values_are_a_hash():
    names = {
        suffix({'model.backbone.arch': dict(embed_dims=width, depth=2)})
        for width in (192, 384)
    }
    assert len(names) == 2
    assert all(re.fullmatch(r'_[0-9a-f]{8}', name) for name in names)
    assert re.fullmatch(r'_[0-9a-f]{8}', suffix({'model.x': 'a' * 100}))
    # What does not matter does not matter here, either.
    odd = {'model.x': 'a b'}
    assert suffix(odd) == suffix({**odd, 'default_hooks.logger.interval': 1})
