# Copyright (c) aemim_mm contributors. All rights reserved.
"""Tiny classifiers of images in [0, 1], and batches for them."""

import os

import pytest
import torch
from torch import nn
from torchvision.transforms import Normalize

IMAGENET = dict(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


def small_net(num_classes=5):
    """A seeded network with several layers, not normalised inside."""
    with torch.random.fork_rng([]):
        torch.manual_seed(3)
        net = nn.Sequential(
            nn.Conv2d(3, 4, 3),
            nn.GELU(),
            nn.Flatten(),
            nn.Linear(144, 16),
            nn.Tanh(),
            nn.Linear(16, num_classes),
        )
    with torch.no_grad():
        # Bent enough that gradients turn around within a few pixel values.
        net[3].weight *= 10
    return net


def small_classifier():
    """The same, normalised inside, and fixed."""
    return nn.Sequential(
        Normalize(**IMAGENET), small_net().requires_grad_(False)
    ).eval()


def small_images(count=6, low=0.0, high=1.0):
    """Images (count, 3, 8, 8) and what the small classifier says of them."""
    generator = torch.Generator().manual_seed(7)
    x = torch.rand(count, 3, 8, 8, generator=generator)
    x = low + (high - low) * x
    return x, small_classifier()(x).argmax(dim=1)


def foolbox():
    """The package, imported where there is no git, too; or a skip."""
    os.environ.setdefault('GIT_PYTHON_REFRESH', 'quiet')
    return pytest.importorskip('foolbox')


def foolbox_model(model, **kwargs):
    """Wrap for foolbox."""
    return foolbox().PyTorchModel(model, bounds=(0, 1), device='cpu', **kwargs)


# A linear classifier of 2 x 2 grey images: class 1 where the logit is
# positive. With the L1 norm of its weights, a margin is a minimal budget.
WEIGHT = torch.tensor([1.0, -2.0, 0.5, 0.5])
L1_NORM = 4.0


def linear(x):
    """Logits (N, 2)."""
    logit = (x.flatten(1) - 0.5) @ WEIGHT
    return torch.stack([torch.zeros_like(logit), logit], dim=1)


def linear_task(budgets, wrong=()):
    """Images that the linear classifier loses at exactly these budgets.

    Args:
        budgets (list[float]): Minimal budgets on the 0-1 scale, up to 0.3.
        wrong (tuple[int]): Images that have the other class for a label.
    """
    signs = torch.tensor([1.0, -1.0]).repeat(len(budgets))[: len(budgets)]
    change = (signs * torch.tensor(budgets))[:, None] * WEIGHT.sign()
    y = (signs > 0).long()
    for index in wrong:
        y[index] = 1 - y[index]
    return (0.5 + change).view(-1, 1, 2, 2), y


def batches_of(x, y, size, order=None):
    """Batches, in any order, each image with its index."""
    # Unlike the rest it needs OpenMMLab.
    from aemim_mm.evaluation import PixelBatch

    order = list(range(len(x))) if order is None else order
    for start in range(0, len(order), size):
        rows = torch.tensor(order[start : start + size])
        yield PixelBatch(x[rows], y[rows], rows)
