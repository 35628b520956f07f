# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from PIL import Image
from tiny_run import ROOT

from aemim_mm.visualization.images import (
    converts_channels,
    denormalise,
    is_grey,
    sample_batch,
    sees_bgr,
)

LOADED = dict(ori_shape=(32, 32))


def _preprocessor(kind='SelfSupDataPreprocessor', channels=3, **options):
    return MODELS.build(
        dict(
            type=kind,
            mean=[200.0, 110.0, 20.0][:channels],
            std=[50.0, 60.0, 70.0][:channels],
            **options,
        )
    )


def _samples(**meta):
    return [DataSample(metainfo=meta)] * 2


@pytest.mark.parametrize(
    ('size', 'wanted', 'taken'),
    [(10, 4, [0, 2, 5, 7]), (3, 8, [0, 1, 2]), (5, 1, [0])],
)
def test_sample_batch_spreads_over_the_dataset(size, wanted, taken):
    assert sample_batch(list(range(size)), wanted, list) == taken


def test_sample_batch_names_an_empty_dataset():
    with pytest.raises(ValueError, match='the dataset is empty.*data_root'):
        sample_batch([], 4, list)


@pytest.mark.parametrize(
    'kind', ['SelfSupDataPreprocessor', 'ClsDataPreprocessor']
)
@pytest.mark.parametrize('to_rgb', [True, False])
def test_converts_channels(kind, to_rgb):
    assert converts_channels(_preprocessor(kind, to_rgb=to_rgb)) is to_rgb


def test_converts_channels_by_its_other_name():
    assert converts_channels(_preprocessor(bgr_to_rgb=True)) is True


@pytest.mark.parametrize(
    ('to_rgb', 'meta', 'bgr'),
    [
        (True, LOADED, False),
        (False, LOADED, True),
        (False, dict(img_path='a.jpg'), True),
        (False, {}, False),  # an array dataset holds RGB
    ],
)
def test_sees_bgr(to_rgb, meta, bgr):
    assert sees_bgr(_preprocessor(to_rgb=to_rgb), _samples(**meta)) is bgr


@pytest.mark.parametrize('base', ['imagenet_bs512_mae', 'your_images'])
def test_the_pipelines_of_the_recipes_tell_what_was_loaded(base, tmp_path):
    Image.new('RGB', (40, 40)).save(tmp_path / 'a.png')
    init_default_scope('mmpretrain')
    path = ROOT / 'configs' / '_base_' / 'datasets' / f'{base}.py'
    steps = Config.fromfile(path).train_pipeline
    sample = Compose(steps)(dict(img_path=str(tmp_path / 'a.png')))
    samples = [sample['data_samples']]
    assert sees_bgr(_preprocessor(to_rgb=False), samples)


def test_sees_bgr_without_samples_or_colour():
    assert sees_bgr(_preprocessor(), None) is False
    grey = _preprocessor(channels=1)
    assert is_grey(grey)
    assert sees_bgr(grey, _samples(**LOADED)) is False


def test_denormalise_undoes_the_preprocessor():
    preprocessor = _preprocessor()
    pixels = torch.randint(0, 256, (2, 3, 4, 4)).float()
    data = preprocessor({'inputs': pixels, 'data_samples': None})
    assert not torch.allclose(data['inputs'], pixels)
    back = denormalise(data['inputs'], preprocessor)
    torch.testing.assert_close(back, pixels, atol=1e-4, rtol=0)
