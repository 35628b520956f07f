# Copyright (c) aemim_mm contributors. All rights reserved.
import math

import pytest
import torch

from aemim_mm.evaluation import KNNHead, knn_head

CLASSES = 6


@pytest.fixture
def bank():
    """Features of 50 training images, and their classes."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, CLASSES, (50,), generator=generator)
    features = torch.randn(50, 8, generator=generator)
    features[:, 0] += 2 * labels
    return features, labels


def queries(count=9):
    return torch.randn(count, 8, generator=torch.Generator().manual_seed(1))


def votes_by_loops(features, labels, query, k, temperature):
    """Votes of one image, one training image at a time."""
    similar = []
    for feature, label in zip(features, labels, strict=True):
        product = sum(float(v) for v in feature * query)
        norms = float(feature.norm()) * float(query.norm())
        similar.append((product / norms, int(label)))
    similar.sort(reverse=True)
    votes = [0.0] * CLASSES
    for similarity, label in similar[:k]:
        votes[label] += math.exp(similarity / temperature)
    return votes


@pytest.mark.parametrize('chunk', [7, 25, 65536])
@pytest.mark.parametrize('options', [{}, dict(k=3, temperature=0.5)])
def test_brute_force(bank, monkeypatch, chunk, options):
    monkeypatch.setattr(knn_head, 'CHUNK', chunk)
    found = KNNHead(*bank, CLASSES, **options)(queries()).exp()
    k, temperature = options.get('k', 20), options.get('temperature', 0.07)
    expected = [
        votes_by_loops(*bank, query, k, temperature) for query in queries()
    ]
    torch.testing.assert_close(
        found, torch.tensor(expected), rtol=1e-4, atol=0
    )


def test_a_class_without_votes(bank):
    found = KNNHead(*bank, CLASSES + 1)(queries())
    assert found[:, CLASSES].isneginf().all()
    assert found[:, :CLASSES].amax(1).isfinite().all()


def test_the_training_images_are_not_among_the_weights(bank):
    assert not KNNHead(*bank, CLASSES).state_dict()


def test_what_cannot_be_classified(bank):
    features, labels = bank
    with pytest.raises(ValueError, match='are 19 training images, but 20 nei'):
        KNNHead(features[:19], labels[:19], CLASSES)
    features[3, 2] = math.nan
    with pytest.raises(ValueError, match='are not finite'):
        KNNHead(features, labels, CLASSES)
