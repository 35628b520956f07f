# Copyright (c) aemim_mm contributors. All rights reserved.
"""What cannot work raises, and says the value and the way out."""

import copy
import warnings

import pytest
import torch
from mmpretrain.registry import MODELS
from torch import nn
from toys import (
    METHODS,
    build_aemim,
    build_toy_mim,
    images,
    mae_cfg,
)


def build(**options):
    options = {'method': 'MAE', **mae_cfg('DualNormViT'), **options}
    return MODELS.build(dict(type='AEMIMAlgorithm', **options))


@pytest.mark.parametrize(
    'options, error, match',
    [
        (dict(adv_ratio=0), ValueError, r'adv_ratio .*\(0, 1\].* 0'),
        (dict(adv_ratio=1.5), ValueError, r'adv_ratio .*1\.5'),
        (dict(adv_ratio='1'), TypeError, 'adv_ratio must be a number'),
        (dict(loss_ratio=-0.1), ValueError, r'loss_ratio .*\[0, 1\].*-0\.1'),
        (
            dict(method='MAEE'),
            ValueError,
            'unknown method \'MAEE\'. Did.*"MAE"',
        ),
        (dict(method='ImageClassifier'), ValueError, 'unknown method'),
        (dict(method='AEMIMAlgorithm'), ValueError, 'unknown method'),
        (dict(adapters=('bias',)), ValueError, "unknown adapter 'bias'.*norm"),
        (dict(adapters='norm'), TypeError, r"\('norm',\)"),
        (
            dict(adv_ration=1.0),
            TypeError,
            "'adv_ration'. Did.*adv_r",
        ),
        (dict(necks=None), TypeError, '\'necks\'. Did you mean "neck"'),
        (dict(attack='PGD'), TypeError, 'attack must be a config'),
        (dict(data_preprocessor=dict()), ValueError, 'has no mean'),
        (
            dict(attack=dict(type='FeatureDistancePGD', epsilon=-1)),
            ValueError,
            r'epsilon .*\[0, 255\].*-1',
        ),
    ],
)
def test_bad_arguments(options, error, match):
    with pytest.raises(error, match=match):
        build(**options)


def test_method_is_required():
    cfg = mae_cfg()
    with pytest.raises(ValueError, match='unknown method None'):
        MODELS.build(dict(type='AEMIMAlgorithm', **cfg))


def test_small_epsilon_warns():
    with pytest.warns(UserWarning, match=r'epsilon=0\.5 .*127\.5'):
        build(attack=dict(type='FeatureDistancePGD', epsilon=0.5))


def test_cls_token_needs_a_class_token():
    with pytest.raises(ValueError, match='has no class token'):
        build_toy_mim(adapters=('cls_token',))


def test_backbone_must_not_hold_adapters():
    cfg = mae_cfg('DualNormViT', adapters=('norm',))
    with pytest.raises(ValueError, match='remove `adapters`'):
        build(**cfg)


def test_custom_attack_object():
    class Identity:
        def __call__(self, encode, x, reference, mean, std, loss=None):
            return x

    attack = Identity()
    model = build(attack=attack)
    assert model.attack is attack
    losses = model.loss(images(2), None)
    assert isinstance(losses['distance_end'], torch.Tensor)
    assert losses['distance_end'] < 1e-5


def test_norms_inside_frozen_networks_have_no_twin():
    class Frozen(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.LayerNorm(4)

    model = build(target_generator=Frozen())
    assert 'target_generator.norm.weight' not in model.adv.tensors()


def test_decoder_that_shifts_the_tokens_is_warned_of():
    with pytest.warns(UserWarning, match='MAEPretrainDecoderNoCls'):
        build_aemim('MAE-HiViT')


@pytest.mark.parametrize(
    'toy', ['MAE-HiViT-NoCls', 'MAE-stock-backbone', 'MILAN', 'MixMIM']
)
def test_other_decoders_are_not(toy):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        build_aemim(toy)


@pytest.mark.parametrize('part', ['neck', 'head'])
def test_masked_decoder_and_head_go_together(part):
    cfg = mae_cfg('DualNormViT', masked=True)
    cfg[part]['type'] = METHODS['MAE-DualNormViT'].stock[part]
    with pytest.raises(ValueError, match='go together, but neck is'):
        build_aemim('MAE-DualNormViT', cfg=cfg)


def test_masked_decoder_needs_a_class_token():
    cfg = copy.deepcopy(METHODS['MAE-HiViT'].cfg)
    cfg['neck']['type'] = 'MAEMaskedDecoder'
    cfg['head']['type'] = 'MAEMaskedHead'
    with pytest.raises(ValueError, match='has no class token'):
        build_aemim('MAE-HiViT', cfg=cfg)
