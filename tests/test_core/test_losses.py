# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch

from aemim_mm.core.losses import (
    total,
    weighted,
)


@pytest.fixture
def losses():
    leaf = torch.tensor(1.0, requires_grad=True)
    return dict(
        loss_1=2 * leaf,
        loss_2=[3 * leaf, torch.stack([4 * leaf, 6 * leaf])],
        weight_0=7 * leaf,
    )


def test_total_is_the_sum_of_loss_keys(losses):
    assert total(losses).item() == 2 + 3 + 5


def test_weighted_names_and_values(losses):
    result = weighted(losses, 'adv', 0.25)
    assert list(result) == ['loss_1_adv', 'loss_2_adv', 'weight_0_adv']
    assert result['loss_1_adv'].item() == 0.5
    assert result['loss_2_adv'][1].tolist() == [1.0, 1.5]
    assert result['weight_0_adv'].item() == 7
    assert not result['weight_0_adv'].requires_grad
    assert result['loss_1_adv'].requires_grad
    assert total(result).item() == 2.5


def test_log_values_may_be_lists_too():
    value = torch.ones(2, requires_grad=True)
    result = weighted(dict(level=[value, 2 * value]), 'clean', 0.5)
    assert [v.tolist() for v in result['level_clean']] == [[1, 1], [2, 2]]
    assert not any(v.requires_grad for v in result['level_clean'])
