# Copyright (c) aemim_mm contributors. All rights reserved.
import math

import pytest
import torch
from attack_toys import (
    L1_NORM,
    WEIGHT,
    batches_of,
    linear,
    linear_task,
    small_classifier,
    small_images,
)

from aemim_mm.attacks import FGSMAttack, PGDAttack
from aemim_mm.evaluation import (
    GRID,
    minimal_epsilon,
    minimal_epsilons,
    robust_accuracy,
)
from aemim_mm.evaluation.minimal_epsilon import search

# Margin over the L1 norm of the weights, which the pixel box does not cut.
BUDGETS = [0.0001, 0.003, 0.0079, 0.02, 0.05, 0.12, 0.2]
# 2^-10 of the bracket, which is as wide as its lower end or 2/255.
RESOLUTION = [max(2 / 255, b) / 1024 for b in BUDGETS]


@pytest.mark.parametrize('attack', [FGSMAttack(), PGDAttack()])
@pytest.mark.parametrize('size', [1, 3, 7])
def test_a_linear_classifier_by_hand(attack, size):
    """Ragged batches, any order."""
    x, y = linear_task(BUDGETS)
    margin = (x.flatten(1) - 0.5) @ WEIGHT
    torch.testing.assert_close(margin.abs() / L1_NORM, torch.tensor(BUDGETS))
    result = minimal_epsilons(
        linear, batches_of(x, y, size, [4, 6, 0, 1, 5, 3, 2]), attack
    )
    assert result.indices.tolist() == list(range(7))
    found = result.epsilons.tolist()
    for value, budget, resolution in zip(
        found, BUDGETS, RESOLUTION, strict=True
    ):
        # never below: the recorded budget did fool the classifier
        assert budget - 1e-7 <= value <= budget + resolution + 1e-7


def test_wrong_images_and_images_never_fooled():
    x, y = linear_task([0.01, 0.01, 0.3], wrong=(1,))
    result = minimal_epsilons(linear, batches_of(x, y, 3), PGDAttack())
    low, wrong, never = result.epsilons.tolist()
    assert 0.01 <= low < 0.0101
    assert wrong == 0 and never == math.inf
    assert result.curve([0, 0.02, 1]) == pytest.approx(
        [200 / 3, 100 / 3, 100 / 3]
    )


def test_a_batch_of_wrong_images():
    x, y = linear_task([0.01, 0.01], wrong=(0, 1))
    result = minimal_epsilons(linear, batches_of(x, y, 1), PGDAttack())
    assert result.epsilons.tolist() == [0, 0]


def test_agrees_with_the_grid():
    model = small_classifier()
    x, y = small_images(12, 0.2, 0.8)
    y[5] = (y[5] + 1) % 5
    found = minimal_epsilons(model, batches_of(x, y, 5), PGDAttack())
    grid = robust_accuracy(
        model, batches_of(x, y, 4), PGDAttack(), GRID, skip_misclassified=True
    )
    assert found.curve(GRID) == grid.top1()
    assert found.curve([0]) == pytest.approx([1100 / 12])
    assert len(set(grid.top1())) > 5


def recorder(suffices):
    """A probe that notes which rows and budgets it is called with."""
    calls = []

    def fooled(rows, epsilon):
        calls.append(list(zip(rows.tolist(), epsilon.tolist(), strict=True)))
        pairs = calls[-1]
        return torch.tensor([suffices(row, e) for row, e in pairs])

    return fooled, calls


def test_doubling_asks_the_undecided_images_alone():
    minimal = [1.0, 3.0, 3.5]
    fooled, calls = recorder(lambda row, e: e >= minimal[row])
    best = search(fooled, 3, 1.0, num_doublings=4, num_bisections=2)
    assert calls == [
        [(0, 1), (1, 1), (2, 1)],
        [(1, 2), (2, 2)],
        [(1, 4), (2, 4)],
        # brackets (0, 1), (2, 4), (2, 4)
        [(0, 0.5), (1, 3), (2, 3)],
        [(0, 0.75), (1, 2.5), (2, 3.5)],
    ]
    assert best.tolist() == [1, 3, 3.5]


def test_bisection_goes_beyond_the_last_doubling():
    fooled, calls = recorder(lambda row, e: e >= 9)
    best = search(fooled, 1, 1.0, num_doublings=4, num_bisections=3)
    # 1, 2, 4, 8 fail; the bracket is (8, 16)
    assert [epsilon for ((_, epsilon),) in calls] == [1, 2, 4, 8, 12, 10, 9]
    assert best.tolist() == [9]


def test_an_attack_that_is_not_monotone():
    """The smallest budget that was seen to suffice, not an interpolation."""
    # Suffices in [1, 1.2], fails above up to 6.
    fooled, _ = recorder(lambda row, e: 1 <= e <= 1.2 or e >= 6)
    assert search(fooled, 1, 1.0, 4, 3).tolist() == [1]
    best = search(fooled, 1, 0.9, 4, 6)
    assert best.item() >= 6 and best.item() < 6.1


def test_no_images():
    with pytest.raises(ValueError, match='no images'):
        minimal_epsilons(linear, [], FGSMAttack())


def test_budgets_are_the_same_numbers_as_in_python(monkeypatch):
    """Rounded to float32, 2/255 would be above 2/255."""
    monkeypatch.setattr(minimal_epsilon, 'NUM_BISECTIONS', 0)
    x, y = linear_task([0.004, 0.01])
    result = minimal_epsilons(linear, batches_of(x, y, 2), FGSMAttack())
    assert result.epsilons.tolist() == [2 / 255, 4 / 255]
    assert result.curve([2 / 255, 4 / 255]) == [50, 0]
