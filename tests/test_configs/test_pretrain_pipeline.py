# Copyright (c) aemim_mm contributors. All rights reserved.
"""What the recipes for ImageNet make of an image file."""

import numpy as np
import torch
from mmengine.dataset import Compose
from PIL import Image
from test_configs.config_tools import IN1K_SUFFIX, load

from aemim_mm.datasets.seeding import seed_generators

NAME = 'pretrain/aemim_vit-small-p16' + IN1K_SUFFIX.format(300)


def test_a_crop_is_flipped_or_not_and_packed(tmp_path):
    cfg = load(NAME)
    path = tmp_path / 'image.png'
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    whole, cropped = (
        Compose(cfg.train_pipeline),
        Compose(cfg.train_pipeline[:2]),
    )
    flips = []
    for seed in range(20):
        seed_generators(seed)
        found = whole(dict(img_path=str(path), gt_label=3, sample_idx=7))
        seed_generators(seed)
        crop = cropped(dict(img_path=str(path)))['img']
        crop = torch.from_numpy(np.ascontiguousarray(crop)).permute(2, 0, 1)
        inputs = found['inputs']
        assert inputs.dtype == torch.uint8 and inputs.shape == (3, 224, 224)
        flips.append(torch.equal(inputs, crop.flip(2)))
        assert flips[-1] or torch.equal(inputs, crop)
        sample = found['data_samples']
        assert sample.img_path == str(path) and 'gt_label' not in sample
    assert 5 <= sum(flips) <= 15


def test_the_device_is_told_the_order_of_the_channels():
    # OpenCV decodes to BGR.
    assert load(NAME).data_preprocessor.to_rgb
