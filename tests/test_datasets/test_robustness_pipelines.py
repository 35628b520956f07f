# Copyright (c) aemim_mm contributors. All rights reserved.
import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmpretrain.registry import TRANSFORMS
from PIL import Image
from torchvision.transforms import CenterCrop, InterpolationMode, Resize

from aemim_mm.datasets.robustness_pipelines import eval_pipeline


def run(path, pipeline):
    transforms = Compose([TRANSFORMS.build(t) for t in pipeline])
    return transforms(dict(img_path=str(path)))['inputs']


def noise(path, size, mode='RGB'):
    rng = np.random.default_rng(0)
    shape = size[::-1] if mode == 'L' else (*size[::-1], 3)
    pixels = rng.integers(0, 256, shape, dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def torchvision_way(path, resize, crop):
    picture = Image.open(path)
    picture = Resize(resize, InterpolationMode.BICUBIC)(picture)
    pixels = np.array(CenterCrop(crop)(picture))[..., ::-1].copy()
    return torch.from_numpy(pixels).permute(2, 0, 1)


@pytest.mark.parametrize('size', [(300, 280), (200, 331)])
def test_equals_torchvision_bit_for_bit(tmp_path, size):
    path = noise(tmp_path / '1.png', size)
    expected = torchvision_way(path, 256, 224)
    for name in ('imagenet', 'real', 'v2', 'a', 'r', 'sketch'):
        assert torch.equal(run(path, eval_pipeline(name)), expected)


def test_c_is_not_resized(tmp_path):
    path = noise(tmp_path / '1.png', (224, 224))
    expected = torch.from_numpy(np.array(Image.open(path))[..., ::-1].copy())
    result = run(path, eval_pipeline('c'))
    assert torch.equal(result, expected.permute(2, 0, 1))
    path = noise(tmp_path / '2.png', (224, 256))
    with pytest.raises(ValueError, match='2.png has 224 x 256 pixels, but'):
        run(path, eval_pipeline('c'))


def test_c_for_another_input_size(tmp_path):
    path = noise(tmp_path / '1.png', (224, 224))
    expected = torchvision_way(path, 64, 64)
    assert torch.equal(run(path, eval_pipeline('c', 64)), expected)


@pytest.mark.parametrize('name', ['imagenet', 'c'])
def test_small_grey_images_as_they_are(tmp_path, name):
    path = noise(tmp_path / '1.png', (28, 28), 'L')
    result = run(path, eval_pipeline(name, 28, native=True, channels=1))
    expected = torch.from_numpy(np.array(Image.open(path)))
    assert torch.equal(result, expected[None])


def test_four_channels():
    with pytest.raises(ValueError, match='channels is 4'):
        eval_pipeline('a', channels=4)
