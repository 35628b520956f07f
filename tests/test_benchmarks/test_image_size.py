# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
from mmengine.config import Config
from tiny_run import ROOT

from benchmarks.image_size import size_options
from benchmarks.trainee import Trainee

SMALL = ROOT / (
    'configs/pretrain/aemim_vit-small-p16_8xb512-amp-coslr-300e_in1k.py'
)


@pytest.fixture
def cfg():
    return Config.fromfile(SMALL)


def test_models_of_another_image_size_run(cfg):
    trainee = Trainee(str(SMALL), 1, cfg_options=size_options(cfg, 64))
    assert trainee.data['inputs'].shape == (1, 3, 64, 64)
    trainee.step()


def test_size_must_fit_the_patches(cfg):
    with pytest.raises(ValueError, match='100 is no multiple of .* 16'):
        size_options(cfg, 100)
