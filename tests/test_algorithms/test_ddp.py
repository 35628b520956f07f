# Copyright (c) aemim_mm contributors. All rights reserved.
"""Two gloo processes without ``find_unused_parameters``."""

import ddp_worker
import pytest
import torch
from states import assert_equal_states
from two_processes import run_in_two


@pytest.fixture(scope='module')
def ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp('ddp')
    run_in_two(ddp_worker.main, folder)
    return [
        torch.load(folder / f'rank{rank}.pt', weights_only=True)
        for rank in range(ddp_worker.WORLD)
    ]


@pytest.mark.parametrize('toy', [*ddp_worker.TOYS, 'sequential'])
def test_parameters_stay_identical(toy, ranks):
    first, second = (r[toy]['parameters'] for r in ranks)
    assert_equal_states(first, second)
    # And the ranks did see different images, masks and noise.
    assert ranks[0][toy]['losses'] != ranks[1][toy]['losses']


def test_sequential_backward_trains_as_the_joint_form_does(ranks):
    for rank in ranks:
        joint = rank[ddp_worker.TOYS[0]]
        assert rank['sequential']['losses'] == pytest.approx(
            joint['losses'], rel=1e-4
        )


@pytest.mark.parametrize('toy', ddp_worker.EXACT)
@pytest.mark.parametrize('key', ['gradient', 'sequential'])
def test_averaged_gradient_is_that_of_the_joined_batch(toy, key, ranks):
    expected = ddp_worker.injected_gradient(toy, None)
    for rank in ranks:
        gradient = rank[toy][key]
        assert gradient.keys() == expected.keys()
        for name, value in gradient.items():
            torch.testing.assert_close(
                value, expected[name], atol=1e-5, rtol=1e-3, msg=name
            )
    assert any(n.startswith('adv.') for n in expected)
