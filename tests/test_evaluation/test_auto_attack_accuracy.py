# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from attack_toys import batches_of
from auto_attack_toys import direct, pyautoattack, task_of_ten_classes

from aemim_mm.attacks import AutoAttack, PGDAttack
from aemim_mm.evaluation import robust_accuracy


@pytest.mark.slow
@pytest.mark.parametrize('budget', [1, 2])
def test_the_standard_version_and_pgd(budget):
    """In full: equal to the package, and at least as strong as PGD-20."""
    pyautoattack()
    model, x, y = task_of_ten_classes()
    # One image is wrong without an attack.
    y[5] = (y[5] + 1) % 10
    epsilon = budget / 255
    auto, pgd = (
        robust_accuracy(model, batches_of(x, y, 12), attack, [epsilon], True)
        for attack in (AutoAttack(), PGDAttack())
    )
    expected = model(direct(model, x, y, epsilon)).argmax(1) == y
    assert torch.equal(auto.correct[:, 0], expected)
    assert 0 < auto.top1()[0] < 100
    # On the same images: at most one that PGD's random start fools by luck.
    assert auto.correct.sum() <= pgd.correct.sum() + 1
