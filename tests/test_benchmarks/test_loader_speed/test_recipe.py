# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
from mmengine.config import Config
from tiny_run import ROOT

from benchmarks.loader_speed.recipe import Recipe, recipe_of
from benchmarks.pipeline import pipeline_of

LOAD, FLIP = dict(type='LoadImageOrSkip'), dict(type='RandomFlip', prob=0.25)
CROP, PACK = dict(type='RandomResizedCrop', scale=32), dict(type='PackInputs')


def test_of_a_shipped_config():
    cfg = Config.fromfile(
        ROOT / 'configs/_base_/datasets/imagenet_bs512_mae.py'
    )
    assert recipe_of(pipeline_of(cfg)) == Recipe(
        size=(224, 224),
        scale=(0.2, 1.0),
        ratio=(3 / 4, 4 / 3),
        interpolation='bicubic',
        flip=0.5,
    )


def test_defaults_are_the_transform_s():
    recipe = recipe_of([LOAD, CROP, FLIP, PACK])
    assert recipe.scale == (0.08, 1.0) and recipe.flip == 0.25
    assert recipe.interpolation == 'bilinear' and recipe.size == (32, 32)


def test_steps_that_only_pack_are_no_difference():
    flip = dict(type='torchvision/RandomHorizontalFlip', p=0.25)
    packing = [dict(type='ImageToTensor', keys=['img']), flip]
    collect = dict(type='Collect', keys=['img'])
    expected = recipe_of([LOAD, CROP, FLIP, PACK])
    assert recipe_of([LOAD, CROP, *packing, collect, PACK]) == expected
    del flip['p']
    assert recipe_of([LOAD, CROP, *packing, PACK]).flip == 0.5


@pytest.mark.parametrize(
    'pipeline',
    [
        [LOAD, CROP, FLIP, FLIP, PACK],
        [LOAD, CROP, PACK],
        [LOAD, FLIP, CROP, PACK],
        [LOAD, CROP, CROP, FLIP, PACK],
        [LOAD, CROP, FLIP, dict(type='RandomErasing'), PACK],
        [CROP, CROP, FLIP, PACK],
        [LOAD, dict(type='CenterCrop'), FLIP, PACK],
        [LOAD, CROP, dict(FLIP, direction='vertical'), PACK],
        [LOAD, CROP, PACK, FLIP],
    ],
)
def test_others_cannot_be_compared(pipeline):
    with pytest.raises(ValueError, match=r'the pipeline is \w+, .* only load'):
        recipe_of(pipeline)
