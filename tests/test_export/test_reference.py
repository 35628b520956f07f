# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from torch import nn

from aemim_mm.export.architecture import find_architecture
from aemim_mm.export.reference import classifier_of, encoder_of, features
from aemim_mm.export.source import read_source
from aemim_mm.models.backbones import DualNormViT


def test_encoder_is_that_of_the_config_and_not_masked(zoo, images):
    model = zoo.build('aemim')
    source = read_source(zoo.save('aemim', model=model))
    encoder = encoder_of(source, find_architecture(source))
    assert type(encoder) is DualNormViT
    x = images(32)
    tokens = features(encoder, x)
    assert [t.shape for t in tokens] == [(2, 17, 32)] * 2
    with torch.no_grad():
        wanted = model.backbone(x, mask=None)[-1]
    assert torch.equal(tokens[-1], wanted)


def test_simmim_is_not_masked(zoo, images):
    model = zoo.build('simmim')
    source = read_source(zoo.save('simmim', model=model))
    encoder = encoder_of(source, find_architecture(source))
    x = images(64)
    with torch.no_grad():
        wanted = model.backbone(x, mask=None)[-1]
    assert torch.equal(features(encoder, x)[-1], wanted)


def test_without_config_the_plain_class_serves(zoo, images):
    model = zoo.build('swin')
    source = read_source(zoo.save('swin', model=model, config=False))
    architecture = find_architecture(source)
    x = images(64)
    with torch.no_grad():
        wanted = model.backbone(x)[-1]
        logits = classifier_of(source, architecture)(x)
        assert torch.allclose(logits, model(x), atol=1e-6)
    got = features(encoder_of(source, architecture), x)
    assert torch.allclose(got[-1], wanted, atol=1e-6)


def test_half_precision_is_computed_in_float32(zoo, images):
    source = read_source(zoo.save('token')).to(torch.bfloat16)
    classifier = classifier_of(source, find_architecture(source))
    assert classifier(images(32)).dtype == torch.float32


def test_config_of_another_model(zoo):
    source = read_source(zoo.save('token'))
    architecture = find_architecture(source)
    source.config['model']['head']['num_classes'] = 6
    with pytest.raises(ValueError, match='(?s)does not fit.*head.*--config'):
        classifier_of(source, architecture)


def test_encoders_that_are_neither(images):
    with pytest.raises(ValueError, match='Identity is neither a Vision'):
        features(nn.Identity(), images(32))
