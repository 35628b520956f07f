# Copyright (c) aemim_mm contributors. All rights reserved.
"""The config in a checkpoint is parsed; nothing of it is executed."""

import pytest
from mmengine.config import Config

from aemim_mm.checkpoints.config_text import parse_config


def test_reads_what_mmengine_writes():
    cfg = dict(
        model=dict(
            type='A',
            arch=dict(depths=[2, 2], heads=(3, 6)),
            neck=None,
            scale=-1.5e-3,
            flags=dict(a=True),
        ),
        paramwise_cfg=dict(custom_keys={'.cls_token': dict(decay_mult=0.0)}),
        name='x',
    )
    assert parse_config(Config(cfg).pretty_text) == cfg


def test_executes_nothing(tmp_path):
    mark = tmp_path / 'executed'
    text = (
        f'import pathlib\npathlib.Path({str(mark)!r}).touch()\n'
        f'bad = pathlib.Path({str(mark)!r}).touch()\n'
        f'worse = dict(a=[open({str(mark)!r}, "w")])\n'
        'spread = dict(**dict(a=1))\n'
        'good = dict(a=1)\n'
    )
    assert parse_config(text) == dict(good=dict(a=1))
    assert not mark.exists()


def test_text_that_is_no_python():
    with pytest.raises(ValueError, match='cannot be read.*--config'):
        parse_config('model = dict(')
