# Copyright (c) aemim_mm contributors. All rights reserved.
"""What frozen features are worth, by three quick numbers."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .knn_head import KNNHead


def knn_accuracy(
    train: Tensor,
    train_labels: Tensor,
    test: Tensor,
    test_labels: Tensor,
    k: int = 20,
    temperature: float = 0.07,
) -> float:
    """Accuracy of a weighted vote of the nearest neighbours.

    Of :class:`KNNHead`, as in DINO (https://arxiv.org/abs/2104.14294).

    Args:
        train (Tensor): Features, (N, C).
        train_labels (Tensor): (N,), integers.
        test (Tensor): Features, (M, C).
        test_labels (Tensor): (M,), integers.
        k (int): Neighbours; all images where there are fewer. Defaults to 20.
        temperature (float): Above 0. Defaults to 0.07.

    Returns:
        float: In percent.
    """
    classes = int(max(train_labels.max(), test_labels.max())) + 1
    k = min(k, len(train))
    head = KNNHead(train.double(), train_labels, classes, k, temperature)
    chosen = head(test.double()).argmax(1)
    return 100 * (chosen == test_labels).double().mean().item()


def linear_accuracy(
    train: Tensor,
    train_labels: Tensor,
    test: Tensor,
    test_labels: Tensor,
    weight_decay: float = 1e-3,
) -> float:
    """Accuracy of a linear classifier (logistic regression, L-BFGS).

    Features are standardised by the training set's mean and deviation.

    Args:
        train (Tensor): Features, (N, C).
        train_labels (Tensor): (N,), integers.
        test (Tensor): Features, (M, C).
        test_labels (Tensor): (M,), integers.
        weight_decay (float): Weight of half the squared weights, >= 0.
            Defaults to 1e-3.

    Returns:
        float: In percent.
    """
    train, test = train.double(), test.double()
    mean, deviation = train.mean(0), train.std(0).clamp_min(1e-6)
    train, test = (train - mean) / deviation, (test - mean) / deviation
    classes = int(max(train_labels.max(), test_labels.max())) + 1
    weight = train.new_zeros(classes, train.shape[1], requires_grad=True)
    bias = train.new_zeros(classes, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weight, bias], max_iter=100, line_search_fn='strong_wolfe'
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(F.linear(train, weight, bias), train_labels)
        value = value + weight_decay / 2 * weight.square().sum()
        value.backward()
        return value

    with torch.enable_grad():
        optimizer.step(loss)
    with torch.no_grad():
        chosen = F.linear(test, weight, bias).argmax(1)
    return 100 * (chosen == test_labels).double().mean().item()


def rank_me(features: Tensor) -> float:
    """RankMe, the effective number of dimensions of features.

    The exponential of the entropy of the singular values, scaled to the sum 1
    (https://arxiv.org/abs/2210.02885).

    Args:
        features (Tensor): (N, C).

    Returns:
        float: From 1, all on one line, to min(N, C).
    """
    values = torch.linalg.svdvals(features.double())
    shares = values / values.sum().clamp_min(1e-12) + 1e-7
    return (-(shares * shares.log()).sum()).exp().item()
