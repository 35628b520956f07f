# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from mmengine.config import Config
from tiny_run import ROOT

from benchmarks.synthetic import synthetic_batch

PRETRAIN = ROOT / 'configs' / 'pretrain'


def load(name):
    return Config.fromfile(PRETRAIN / name)


@pytest.mark.parametrize(
    'name, size, channels, views, mask',
    [
        (
            'mae_vit-small-p16_8xb512-amp-coslr-300e_in1k.py',
            224,
            3,
            1,
            False,
        ),
        (
            'mae_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py',
            28,
            1,
            1,
            False,
        ),
        (
            'simmim_swin-base-w6_8xb256-amp-coslr-100e_in1k-192px.py',
            192,
            3,
            1,
            True,
        ),
        (
            'beit_beit-small-p16_8xb256-amp-coslr-300e_in1k.py',
            224,
            3,
            2,
            True,
        ),
    ],
)
def test_batches_come_through_the_pipeline(name, size, channels, views, mask):
    batch = synthetic_batch(load(name), 2)
    inputs, samples = batch['inputs'], batch['data_samples']
    first = inputs if views == 1 else inputs[0]
    assert views == 1 or len(inputs) == views
    assert first.shape == (2, channels, size, size)
    assert first.dtype == torch.uint8 and first.float().std() > 20
    assert len(samples) == 2
    assert all(('mask' in sample) == mask for sample in samples)
