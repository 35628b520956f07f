# Copyright (c) aemim_mm contributors. All rights reserved.
"""Steps under ``torch.use_deterministic_algorithms``, as mmengine sets it.

On a CPU: which kernels a GPU lacks a deterministic form of is not seen here.
"""

import random

import pytest
import torch
from toys import METHODS, batch, build_aemim, grads, total_loss


@pytest.fixture(autouse=True)
def deterministic():
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize(
    'toy, sequential',
    [*((toy, False) for toy in METHODS), ('MAE-DualNormViT', True)],
)
def test_the_same_seed_gives_the_same_bits(toy, sequential):
    found = []
    for _ in range(2):
        model = build_aemim(toy, adv_ratio=0.5, sequential_backward=sequential)
        torch.manual_seed(5)
        random.seed(5)
        losses = model.loss(*batch(toy))
        total_loss(losses).backward()
        found.append((losses, grads(model)))
    for first, second in zip(*found, strict=True):
        assert first.keys() == second.keys() and first
        for name, value in first.items():
            assert torch.equal(value, second[name]), name
