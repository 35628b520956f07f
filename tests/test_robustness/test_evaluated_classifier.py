# Copyright (c) aemim_mm contributors. All rights reserved.
from copy import deepcopy
from dataclasses import replace

import pytest
import timm
import torch
from attack_toys import IMAGENET, small_net
from torch import nn

from aemim_mm.evaluation import PixelClassifier
from aemim_mm.robustness import EvaluatedClassifier


def classifier(net=None, **changes):
    """Of images of 8 x 8 pixels and 5 classes."""
    changes = dict(IMAGENET, **changes)
    model = PixelClassifier(
        small_net() if net is None else net, changes['mean'], changes['std']
    )
    return EvaluatedClassifier('small', model, 8, 'a.pth', '{"depth": 1}')


def test_classes_and_channels():
    assert classifier().num_classes() == 5
    assert classifier().channels == 3
    grey = nn.Sequential(nn.Flatten(), nn.Linear(64, 7))
    grey = classifier(grey, mean=[0.5], std=[0.5])
    assert (grey.num_classes(), grey.channels) == (7, 1)


def test_images_of_another_size():
    with pytest.raises(ValueError, match=r'small .*\(3, 9, 9\) \(mat.*--inp'):
        replace(classifier(), input_size=9).num_classes()
    # timm asserts.
    vit = timm.create_model('vit_tiny_patch16_224', img_size=32, depth=1)
    vit = replace(classifier(vit), input_size=32)
    assert vit.num_classes() == 1000
    with pytest.raises(ValueError, match='Is --input-size right'):
        replace(vit, input_size=48).num_classes()


def test_checksum_of_the_same_model():
    first = classifier()
    expected = first.sha256()
    assert len(expected) == 64
    assert first.sha256() == classifier().sha256() == expected
    # Neither its name, nor where it comes from, nor how images are made.
    moved = replace(first, name='x', checkpoint='b.pth', input_size=9)
    assert moved.sha256() == expected
    # Nor how a weight lies in memory.
    net = small_net().to(memory_format=torch.channels_last)
    assert not net[0].weight.is_contiguous()
    assert classifier(net).sha256() == expected


@pytest.mark.parametrize('number', range(6))
def test_checksum_tells_one_weight(number):
    """In each of the six tensors, to the last bit."""
    net = small_net()
    with torch.no_grad():
        weight = list(net.parameters())[number].view(-1)
        weight[-1] = torch.nextafter(weight[-1], torch.tensor(9.0))
    assert classifier(net).sha256() != classifier().sha256()


def test_checksum_tells_buffers():
    net = nn.Sequential(nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(192, 5))
    expected = classifier(net).sha256()
    for name, buffer in net.named_buffers():
        other = deepcopy(net)
        other.get_buffer(name).copy_(buffer + 1)
        assert classifier(other).sha256() != expected, name


def test_checksum_tells_names():
    """The same values in the same order, before and after another layer."""
    layers = [nn.Flatten(), nn.Linear(192, 192), nn.ReLU()]
    one = classifier(nn.Sequential(*layers))
    two = classifier(nn.Sequential(layers[0], layers[2], layers[1]))
    assert one.sha256() != two.sha256()


def test_checksum_tells_normalisation_and_architecture():
    first = classifier()
    others = [
        classifier(mean=(0.485, 0.456, 0.407)),
        classifier(std=(0.229, 0.224, 0.226)),
        replace(first, description='{"depth": 2}'),
    ]
    sums = {model.sha256() for model in (first, *others)}
    assert len(sums) == 4
