# Copyright (c) aemim_mm contributors. All rights reserved.
import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from benchmarks.loader_speed.loaders import LoaderSettings
from benchmarks.loader_speed.pixels import PixelDifference
from benchmarks.loader_speed.rounds import measure_loaders

PIPELINE = [
    dict(type='LoadImageOrSkip'),
    dict(type='FastRandomResizedCrop', scale=24, backend='pillow'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackInputs'),
]


def test_every_loader_loads_every_file(tmp_path):
    pytest.importorskip('timm')
    (tmp_path / 'photographs').mkdir()
    rng = np.random.default_rng(0)
    for index in range(3):
        pixels = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f'photographs/{index}.JPEG')
    cfg = Config(dict(train_dataloader=dict(dataset=dict(pipeline=PIPELINE))))
    settings = LoaderSettings(tmp_path, batch_size=2, num_workers=0)
    rows, best = measure_loaders(cfg, settings, rounds=2)
    others = ['torchvision', 'timm', 'torchvision, tensors']
    assert [row.name for row in rows[:4]] == ['aemim_mm', *others]
    found = {row.name: row for row in rows}
    assert best in others and found[best].ratio == 1
    assert all(len(row.seconds) == 2 for row in rows)
    same = PixelDifference(0, 0.0, 0.0)
    for name in ('aemim_mm', 'torchvision', 'timm'):
        assert found[name].difference == same
    assert found['aemim_mm, resized by cv2'].difference.largest > 0
