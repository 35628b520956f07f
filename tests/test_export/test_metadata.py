# Copyright (c) aemim_mm contributors. All rights reserved.
import json
from pathlib import Path

import torch
from toys import MEAN, STD

from aemim_mm.export.architecture import find_architecture
from aemim_mm.export.metadata import _attack, describe, recipe
from aemim_mm.export.source import Source
from aemim_mm.version import __version__


def _recipe(model):
    config = dict(model=model) if model else {}
    return recipe(Source(Path('a.pth'), {}, {}, {}, {}, config, {}))


def test_of_an_aemim_checkpoint(zoo):
    source = zoo.source('aemim')
    meta = describe(source, find_architecture(source), 'timm', 'code')
    assert meta['target'] == 'timm'
    assert meta['load'] == 'code'
    assert meta['source'] == dict(
        file='aemim.pth', sha256=source.sha256(), epoch=7, iter=70
    )
    assert meta['recipe'] == dict(
        algorithm='AEMIMAlgorithm',
        method='MAE',
        adapters=['norm'],
        adv_ratio=0.5,
        loss_ratio=0.5,
        attack=dict(
            type='FeatureDistancePGD',
            epsilon=4,
            num_steps=2,
            step_size=None,
            distance='l2',
            random_start=True,
        ),
    )
    assert meta['architecture']['type'] == 'ViT'
    assert meta['architecture']['patch_size'] == 8
    assert meta['architecture']['img_size'] == [32, 32]
    assert meta['normalization'] == dict(mean=MEAN, std=STD, to_rgb=True)
    assert meta['versions']['aemim_mm'] == __version__
    assert meta['versions']['torch'] == torch.__version__
    # plain types: nothing is lost on the way through JSON
    assert json.loads(json.dumps(meta)) == meta


def test_defaults_of_the_recipe():
    model = dict(type='AEMIMAlgorithm', method='SimMIM')
    settings = _recipe(model)
    assert settings['adapters'] == ('norm',)
    assert settings['adv_ratio'] == 1.0
    assert settings['attack']['epsilon'] == 2
    # a subclass of it
    assert _recipe(dict(model, type='Own')) == dict(settings, algorithm='Own')
    own = dict(type='MyAttack', strength=3)
    settings = _recipe(dict(model, attack=own))
    assert settings['attack'] == own


def test_mask_ratio_of_the_config():
    model = dict(type='MAE', backbone=dict(mask_ratio=0.6))
    assert _recipe(model) == dict(algorithm='MAE', mask_ratio=0.6)


def test_of_a_fine_tuned_model():
    init = dict(type='Pretrained', checkpoint='pre.pth', prefix='backbone.')
    model = dict(type='ImageClassifier', backbone=dict(init_cfg=init))
    assert _recipe(model) == dict(
        algorithm='ImageClassifier', pretrained='pre.pth'
    )


def test_without_config():
    assert _recipe(None) == {}


def test_defaults_of_on_manifold_examples_are_written_out():
    attack = _attack(dict(type='mmpretrain.WaveletPGD', budget=0.5))
    assert attack['budget'] == 0.5
    assert attack['wavelet'] == 'bior4.4'
    assert _attack(dict(type='Other', budget=0.5)) == dict(
        type='Other', budget=0.5
    )
