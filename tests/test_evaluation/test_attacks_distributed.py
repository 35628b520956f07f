# Copyright (c) aemim_mm contributors. All rights reserved.
"""Two gloo processes attack as one does, image by image."""

import attack_worker
import pytest
import torch
from two_processes import run_in_two


@pytest.fixture(scope='module')
def ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp('attacks')
    run_in_two(attack_worker.main, folder)
    return [
        torch.load(folder / f'rank{rank}.pt', weights_only=True)
        for rank in range(attack_worker.WORLD)
    ]


@pytest.mark.parametrize('batch_size, shuffle', [(4, False), (2, True)])
def test_same_as_one_process(ranks, batch_size, shuffle):
    """Whatever the batches and their order; the padding counts once."""
    one = attack_worker.evaluate(batch_size, shuffle)
    assert one['indices'].tolist() == list(range(attack_worker.COUNT))
    for rank in ranks:
        assert rank['top1'] == one['top1']
        for name in ('indices', 'correct', 'minimal_indices', 'minimal'):
            assert torch.equal(rank[name], one[name]), name
    # Images differ under attack, or all this would say nothing.
    assert one['top1'] == sorted(one['top1'], reverse=True)
    assert len(set(one['top1'])) > 2
    assert len(one['minimal'].unique()) > 4
    assert one['minimal'][4] == 0
