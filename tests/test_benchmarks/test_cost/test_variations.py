# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
from mmengine.config import Config
from tiny_run import ROOT

from benchmarks.cost.variations import variations

SMALL = ROOT / (
    'configs/pretrain/aemim_vit-small-p16_8xb512-amp-coslr-300e_in1k.py'
)


@pytest.fixture
def cfg():
    return Config.fromfile(SMALL)


def test_one_setting_at_a_time(cfg):
    found = variations(cfg, 16, [8], [1, 3], [0.5], [64])
    assert [(v.what, v.value, v.batch_size) for v in found] == [
        ('batch size', 8, 8),
        ('T', 1, 16),
        ('T', 3, 16),
        ('alpha', 0.5, 16),
        ('image size', 64, 16),
    ]
    assert [v.own_options for v in found] == [
        {},
        {'model.attack.num_steps': 1},
        {'model.attack.num_steps': 3},
        {'model.adv_ratio': 0.5},
        {},
    ]
    # The base sees other images, too.
    assert [bool(v.cfg_options) for v in found] == [False] * 4 + [True]
