# Copyright (c) aemim_mm contributors. All rights reserved.
from types import SimpleNamespace

import pytest
from mmengine.config import Config, ConfigDict
from mmengine.hooks import EMAHook
from mmengine.runner import LogProcessor
from mmpretrain.datasets import CenterCrop, SimMIMMaskGenerator
from mmpretrain.models import LinearNeck

from aemim_mm.agreement.lengths import _vector_batch_norm
from aemim_mm.agreement.resumed import averages_are_resumed
from aemim_mm.agreement.shapes import _images_cut
from aemim_mm.hooks import EpochSeedHook
from aemim_mm.launcher.run_options import add_training_defaults
from aemim_mm.utils import type_name


@pytest.mark.parametrize(
    'kind', [EMAHook, 'EMAHook', 'mmengine.EMAHook', 'mmengine.hooks.EMAHook']
)
def test_type_name(kind):
    assert type_name(kind) == 'EMAHook'


def test_no_type():
    assert type_name(None) == 'None' and type_name('') == ''


# Classes in place of names, as in configs with `read_base()`.


def test_a_hook_is_not_added_twice():
    cfg = Config(dict(custom_hooks=[dict(type='x')]))
    cfg.custom_hooks = [ConfigDict(type=EpochSeedHook)]
    cfg.log_processor = ConfigDict(type=LogProcessor)
    add_training_defaults(cfg)
    names = [type_name(hook.type) for hook in cfg.custom_hooks]
    assert (
        names.count('EpochSeedHook') == 1 == len(names) - len(set(names[1:]))
    )
    assert cfg.log_processor.mean_pattern


def test_averages_are_seen():
    run = SimpleNamespace(
        stored=SimpleNamespace(averaged=True, path='a.pth'),
        cfg=ConfigDict(custom_hooks=[dict(type=EMAHook)]),
    )
    averages_are_resumed(run)


def test_a_batch_norm_is_seen():
    neck = dict(type=LinearNeck, in_channels=4, out_channels=4)
    assert _vector_batch_norm(dict(neck=neck)) == 'LinearNeck'


def test_the_last_crop_is_seen():
    pipeline = [dict(type=CenterCrop, crop_size=32)]
    assert _images_cut('x', dict(pipeline=pipeline))[1] == 32
    pipeline.append(dict(type=SimMIMMaskGenerator, input_size=48))
    with pytest.raises(ValueError, match='input_size=48'):
        _images_cut('x', dict(pipeline=pipeline))
