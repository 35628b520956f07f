# Copyright (c) aemim_mm contributors. All rights reserved.
"""All loaders give the same uint8 batches."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from benchmarks.loader_speed.loaders import (
    LoaderSettings,
    drain,
    ours,
    timm_pil,
    torchvision_pil,
    torchvision_tensors,
)
from benchmarks.loader_speed.recipe import recipe_of

# The whole image, without a flip: nothing is left to chance.
PIPELINE = [
    dict(type='LoadImageOrSkip'),
    dict(
        type='FastRandomResizedCrop',
        scale=24,
        crop_ratio_range=(1.0, 1.0),
        aspect_ratio_range=(1.0, 1.0),
    ),
    dict(type='RandomFlip', prob=0.0),
    dict(type='PackInputs'),
]
CFG = Config(dict(train_dataloader=dict()))


@pytest.fixture
def settings(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / 'photographs').mkdir()
    for index in range(5):
        pixels = rng.integers(0, 256, (5, 5, 3), dtype=np.uint8)
        image = Image.fromarray(pixels).resize((40, 40), Image.BICUBIC)
        image.save(tmp_path / 'photographs' / f'{index}.JPEG', quality=95)
    return LoaderSettings(tmp_path, batch_size=2, num_workers=0)


def all_images(loader):
    """Every image once, sorted, since the loaders shuffle."""
    batches = [b['inputs'] if isinstance(b, dict) else b[0] for b in loader]
    assert [len(batch) for batch in batches] == [2, 2, 1]
    images = torch.cat(batches)
    return images[images.float().mean((1, 2, 3)).argsort()]


def test_same_images(settings):
    recipe = recipe_of(PIPELINE)
    own = all_images(ours(settings, CFG, PIPELINE)).flip(1)  # BGR
    assert own.dtype == torch.uint8 and own.shape == (5, 3, 24, 24)
    for loader in (torchvision_pil, timm_pil):
        torch.testing.assert_close(
            all_images(loader(settings, recipe)), own, rtol=0, atol=0
        )
    tensors = all_images(torchvision_tensors(settings, recipe))
    assert (tensors.int() - own.int()).abs().max() <= 2
    by_torch = [dict(step) for step in PIPELINE]
    by_torch[1]['backend'] = 'torch'
    assert torch.equal(
        all_images(ours(settings, CFG, by_torch)).flip(1), tensors
    )


def test_drain_checks_what_comes(settings):
    loader = ours(settings, CFG, PIPELINE)
    drain(loader, 5, (24, 24))()
    with pytest.raises(RuntimeError, match='5 images came for 6'):
        drain(loader, 6, (24, 24))()
    with pytest.raises(RuntimeError, match=r'uint8 images of \(32, 32\)'):
        drain(loader, 5, (32, 32))()
    floats = [(torch.zeros(5, 3, 24, 24), None)]
    with pytest.raises(RuntimeError, match='torch.float32, not uint8'):
        drain(floats, 5, (24, 24))()
