# Copyright (c) aemim_mm contributors. All rights reserved.
import math

import pytest
import torch

from aemim_mm.evaluation.probes import (
    knn_accuracy,
    linear_accuracy,
    rank_me,
)

PROBES = (knn_accuracy, linear_accuracy)


def clusters(count, distance=8.0, classes=3, seed=0):
    """Features around one centre for each class."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % classes
    centres = distance * torch.eye(classes, 6)
    noise = torch.randn(count, 6, generator=generator)
    return centres[labels] + noise, labels


@pytest.mark.parametrize('probe', PROBES)
def test_separate_classes_are_told_apart(probe):
    train, test = clusters(60), clusters(30, seed=1)
    assert probe(*train, *test) == 100


@pytest.mark.parametrize('probe', PROBES)
def test_without_a_difference_it_is_chance(probe):
    train, test = clusters(600, distance=0), clusters(600, distance=0, seed=1)
    assert probe(*train, *test) == pytest.approx(100 / 3, abs=7)


def test_votes_by_hand():
    """Two of a far class do not outvote the nearest one; alike they do."""
    train = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.6, 0.8]])
    labels = torch.tensor([0, 1, 1])
    test, wanted = torch.tensor([[2.0, 0.0]]), torch.tensor([0])
    assert knn_accuracy(train, labels, test, wanted) == 100
    vote = knn_accuracy(train, labels, test, wanted, temperature=10.0)
    assert vote == 0
    assert knn_accuracy(train, labels, test, wanted, k=1) == 100


def test_linear_does_not_depend_on_the_scale():
    (train, labels), (test, wanted) = clusters(60, 2.0), clusters(300, 2.0)
    scale = torch.logspace(-3, 3, 6)
    found = linear_accuracy(train, labels, test, wanted)
    assert 60 < found < 100
    assert linear_accuracy(
        train * scale + 5, labels, test * scale + 5, wanted
    ) == pytest.approx(found, abs=0.5)


@pytest.mark.parametrize('rank', [1, 3, 8])
def test_rank_of_equal_directions(rank):
    features = torch.eye(8)[torch.arange(40) % rank]
    assert rank_me(features) == pytest.approx(rank, rel=2e-3)


def test_rank_me_by_hand():
    shares = [0.75, 0.25]
    expected = math.exp(-sum(s * math.log(s) for s in shares))
    features = torch.diag(torch.tensor([3.0, 1.0]))
    assert rank_me(features) == pytest.approx(expected, rel=1e-4)
