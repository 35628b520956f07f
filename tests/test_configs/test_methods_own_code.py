# Copyright (c) aemim_mm contributors. All rights reserved.
"""Schedules, crops and loaders of the recipes as in the methods' own code."""

import math
from itertools import chain

import numpy as np
import pytest
import torch
from mmengine.dataset import Compose
from mmpretrain.registry import TRANSFORMS
from PIL import Image
from test_configs.config_tools import (
    IN1K,
    SHIPPED,
    distinct,
    learning_rates,
    load,
)
from timm.scheduler import CosineLRScheduler
from torchvision.transforms import InterpolationMode, RandomResizedCrop
from torchvision.transforms.functional import resized_crop

from aemim_mm.datasets.robustness_pipelines import eval_pipeline
from aemim_mm.datasets.seeding import seed_generators

PER_EPOCH = 20


def after_warm_up(rate, low, length, warm_up):
    """MAE's ``adjust_learning_rate``; BEiT's and MoCo v3's are the same."""

    def share(step):
        part = (step - warm_up) / (length - warm_up)
        return (1 + math.cos(math.pi * part)) / 2

    return [
        rate * step / warm_up
        if step < warm_up
        else low + (rate - low) * share(step)
        for step in range(length)
    ]


def from_the_start(rate, low, length, warm_up, first):
    """The official SimMIM hands these to timm."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    scheduler = CosineLRScheduler(
        optimizer,
        t_initial=length,
        lr_min=low,
        warmup_lr_init=first,
        warmup_t=warm_up,
        warmup_prefix=False,
        cycle_limit=1,
        t_in_epochs=False,
    )
    return [scheduler._get_lr(step)[0] for step in range(length)]


# Rate, last rate, epochs of warm-up and, with timm's cosine, the first rate.
SCHEDULES = {
    # Ours, for a CPU.
    'linear-coslr-4e_fashion-mnist': (1e-2, 0, 1),
    'coslr-4e_fashion-mnist': (4e-3, 0, 1),
    'coslr-5e_fashion-mnist': (1.5e-3, 0, 1),
    'mini-coco': (5e-4, 0, 10),
    'pretrain/simmim': (8e-4, 4e-5, 10, 4e-6),
    'pretrain/aemim-simmim': (8e-4, 4e-5, 10, 4e-6),
    'finetune/swin': (5e-3, 1e-6, 20, 1e-6),
    'pretrain/beit_': (1.5e-3, 1e-5, 10),
    'pretrain/mocov3': (2.4e-3, 0, 40),
    'finetune/beit': (4e-3, 1e-6, 20),
    # mmpretrain's; DeiT's code, which is MoCo v3's, has timm's cosine.
    'finetune/mocov3': (5e-4, 1e-5, 5),
    'finetune/vit-base-p16_from-300e': (8e-3, 1e-6, 5),
    'finetune/vit-base-p16_from-800e': (4e-3, 1e-6, 5),
    'finetune/vit-small-p16_8xb256': (8e-3, 1e-6, 5),
    'finetune/vit-base-p16_8xb2048-amp-linear': (6.4, 0, 10),
    'finetune/vit-small-p16_8xb2048-amp-linear': (6.4, 0, 10),
}


@pytest.mark.parametrize(
    'name',
    distinct(SHIPPED, 'param_scheduler', 'train_cfg', 'optim_wrapper'),
)
def test_learning_rate_of_every_iteration(name):
    cfg = load(name)
    epochs = cfg.train_cfg.max_epochs
    # Table 1; with 1600 epochs MAE's own 40.
    table_1 = (2.4e-3, 0, {300: 15, 800: 40, 1600: 40}.get(epochs))
    rate, low, warm_up, *first = next(
        (v for k, v in SCHEDULES.items() if k in name), table_1
    )
    length, warm_up = epochs * PER_EPOCH, warm_up * PER_EPOCH
    rule = from_the_start if first else after_warm_up
    expected = rule(rate, low, length, warm_up, *first)
    found = learning_rates(cfg, PER_EPOCH)[:length]
    error = np.abs(np.subtract(found, expected)) / rate
    # mmengine's warm-up ends one iteration earlier.
    assert error[:warm_up].max() <= 1 / warm_up + 1e-4
    assert error[0] < 2e-3
    assert error[warm_up:].max() < 1e-9
    if first:
        # What it would be with a cosine after the warm-up.
        other = after_warm_up(rate, low, length, warm_up)
        assert np.abs(np.subtract(other, expected)).max() > 0.05 * rate


BICUBIC = InterpolationMode.BICUBIC
SIMMIM_S = RandomResizedCrop(192, (0.67, 1.0))
# What the method's own code hands to torchvision, and the mean difference that
# is left.
CROPS = {
    'pretrain/simmim': (SIMMIM_S, 0),
    'pretrain/aemim-simmim': (SIMMIM_S, 0),
    'pretrain/mocov3': (RandomResizedCrop(224, (0.08, 1.0)), 0),
    'finetune/': (RandomResizedCrop(224, interpolation=BICUBIC), 0),
    # MAE; resized by torch.
    'pretrain/': (
        RandomResizedCrop(224, (0.2, 1.0), interpolation=BICUBIC),
        2,
    ),
}


@pytest.mark.parametrize(
    'name',
    # mmpretrain's crop of BEiT, which CIM has, too, resizes by OpenCV, without
    # a choice.
    distinct(
        [
            name
            for name in IN1K
            if not name.startswith(('pretrain/beit', 'pretrain/cim'))
        ],
        'train_pipeline',
    ),
)
def test_crops_are_those_of_the_method_s_own_code(name):
    reference, tolerance = next(
        crop for start, crop in CROPS.items() if name.startswith(start)
    )
    views = load(name).train_pipeline
    views = [*views, *chain(*views[1].get('transforms', []))]
    crops = [step for step in views if 'ResizedCrop' in step.type]
    assert crops
    pixels = np.random.default_rng(0).integers(
        0, 256, (500, 375, 3), dtype=np.uint8
    )
    for step in crops:
        crop = TRANSFORMS.build(step)
        assert (*crop.scale,) == (*reference.size,)
        assert crop.crop_ratio_range == reference.scale
        assert crop.aspect_ratio_range == pytest.approx(reference.ratio)
        for seed in range(5):
            seed_generators(seed)
            found = crop(dict(img=pixels))['img']
            seed_generators(seed)
            box = crop.rand_crop_params(pixels)
            expected = resized_crop(
                Image.fromarray(pixels),
                *box,
                reference.size,
                reference.interpolation,
            )
            error = np.abs(np.subtract(found, expected, dtype=int))
            assert error.mean() <= tolerance
            # Without antialiasing noise stays noise: far more than that.
            crop_alone = torch.from_numpy(
                pixels[box[0] : box[0] + box[2], box[1] : box[1] + box[3]]
            )
            aliased = torch.nn.functional.interpolate(
                crop_alone.permute(2, 0, 1)[None].float(), found.shape[:2]
            )
            aliased = aliased[0].permute(1, 2, 0).numpy()
            assert np.abs(aliased - expected).mean() > 10


@pytest.mark.parametrize('name', IN1K)
def test_an_incomplete_batch_is_left_out(name):
    cfg = load(name)
    assert cfg.train_dataloader.drop_last is True
    for phase in ('val', 'test'):
        loader = cfg.get(f'{phase}_dataloader') or {}
        assert not loader.get('drop_last', False)


@pytest.fixture
def turned(tmp_path):
    """The same pixels in two files; by its EXIF data one is to be turned."""
    pixels = np.random.default_rng(0).integers(
        0, 256, (240, 320, 3), dtype=np.uint8
    )
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation: a quarter turn
    for name, data in (('as_stored', None), ('turned', exif)):
        options = dict(exif=data) if data else {}
        Image.fromarray(pixels).save(tmp_path / f'{name}.JPEG', **options)
    # Not what mmcv does by itself.
    load_image = TRANSFORMS.build(dict(type='LoadImageFromFile'))
    path = str(tmp_path / 'turned.JPEG')
    assert load_image(dict(img_path=path))['img'].shape == (320, 240, 3)
    return [str(tmp_path / f'{n}.JPEG') for n in ('as_stored', 'turned')]


@pytest.mark.parametrize(
    'name', distinct(IN1K, 'train_dataloader', 'test_dataloader')
)
def test_no_image_is_turned_by_its_exif_data(name, turned):
    cfg = load(name)
    sections = [
        cfg[f'{phase}_dataloader']
        for phase in ('val', 'test')
        if cfg.get(f'{phase}_dataloader')
    ]
    assert sections
    for section in sections:
        evaluate = Compose(section.dataset.pipeline)
        views = [evaluate(dict(img_path=path)) for path in turned]
        size = views[0]['inputs'].shape[-1]
        # The robustness suite's pixels, too; features of SimMIM have others.
        if size == 224:
            suite = Compose(eval_pipeline('imagenet'))
            views += [suite(dict(img_path=path)) for path in turned]
        for view in views[1:]:
            assert torch.equal(view['inputs'], views[0]['inputs'])
    load_image = Compose(cfg.train_dataloader.dataset.pipeline[:1])
    images = [load_image(dict(img_path=path))['img'] for path in turned]
    assert images[0].shape == (240, 320, 3)
    assert np.array_equal(*images)
