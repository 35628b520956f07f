# Copyright (c) aemim_mm contributors. All rights reserved.
"""AutoAttack in a fraction of the time, for tests of what surrounds it."""

import pytest
import torch
from attack_toys import IMAGENET, small_net
from torch import nn
from torchvision.transforms import Normalize


def pyautoattack():
    """The package, or a skip."""
    return pytest.importorskip('pyautoattack')


def shortened(monkeypatch):
    """Let the package run its four attacks with few steps."""
    package = pyautoattack()

    class Short(package.AutoAttack):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            for attack in (self.apgd, self.apgd_targeted, self.fab):
                attack.n_iter = 5
            self.square.n_queries = 20

    monkeypatch.setattr(package, 'AutoAttack', Short)


def classifier(num_classes=10):
    """Normalised inside, and fixed."""
    net = small_net(num_classes).requires_grad_(False)
    return nn.Sequential(Normalize(**IMAGENET), net).eval()


def task_of_ten_classes():
    """A classifier, 12 images, and what it says of them."""
    generator = torch.Generator().manual_seed(7)
    x = torch.rand(12, 3, 8, 8, generator=generator)
    model = classifier()
    return model, x, model(x).argmax(dim=1)


def direct(model, x, y, epsilon, seed=0):
    """The package alone, in one batch."""
    adversary = pyautoattack().AutoAttack(
        model, norm='Linf', eps=epsilon, seed=seed, version='standard'
    )
    return adversary.run_standard_evaluation(x, y, batch_size=len(x))[0]
