# Copyright (c) aemim_mm contributors. All rights reserved.
"""mmpretrain's FeatureExtractor on the recipes of pre-training."""

import numpy as np
import pytest
from mmengine.config import Config
from mmpretrain import FeatureExtractor
from test_configs.config_tools import ROOT

FASHION = 'vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py'
# Recipe, side of the images, and how features come out of the backbone.
RECIPES = {
    f'mae_{FASHION}': 28,
    f'aemim_{FASHION}': 28,
    'aemim_vit-tiny-p16_1xb8-coslr-200e_mini-coco.py': 160,
    'aemim_vit-small-p16_8xb512-amp-coslr-300e_in1k.py': 224,
}


@pytest.mark.parametrize('name', RECIPES)
def test_features_of_an_image(name):
    path = str(ROOT / 'configs/pretrain' / name)
    extract = FeatureExtractor(path, pretrained=False)
    side = RECIPES[name]
    shape = (28, 28) if side == 28 else (300, 400, 3)
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    (features,) = extract(image)
    (features,) = features if isinstance(features, tuple) else (features,)
    backbone = extract.model.backbone
    assert features.shape[-1] == backbone.embed_dims
    assert len(features) == backbone.pos_embed.shape[1]


@pytest.mark.parametrize(
    'path',
    sorted(path.name for path in (ROOT / 'configs/pretrain').glob('*.py')),
)
def test_every_recipe_says_how_images_are_read(path):
    cfg = Config.fromfile(str(ROOT / 'configs/pretrain' / path))
    *_, crop, packed = [None, *cfg.test_dataloader.dataset.pipeline]
    assert packed.type == 'PackInputs'
    size = cfg.model.backbone.get('img_size', 224)
    if size != 28:
        assert crop.type == 'CenterCrop'
        assert crop.crop_size == size
    assert cfg.test_evaluator == []
