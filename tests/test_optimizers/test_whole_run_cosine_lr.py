# Copyright (c) aemim_mm contributors. All rights reserved.
"""The cosine against timm's scheduler."""

import pytest
import torch
from mmengine.registry import PARAM_SCHEDULERS
from timm.scheduler import CosineLRScheduler

from aemim_mm.optimizers import WholeRunCosineLR

RATES = (1.0, 0.3)


def sgd():
    groups = [
        dict(params=[torch.nn.Parameter(torch.zeros(1))], lr=lr)
        for lr in RATES
    ]
    return torch.optim.SGD(groups, lr=1.0)


def rates_of(optimizer):
    return [group['lr'] for group in optimizer.param_groups]


def run(schedulers, optimizer, steps):
    found = []
    for _ in range(steps):
        found.append(rates_of(optimizer))
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    return found


def timm_s(length, warm_up, low):
    scheduler = CosineLRScheduler(
        sgd(), t_initial=length, lr_min=low, warmup_t=warm_up
    )
    return [scheduler._get_lr(step) for step in range(length)]


@pytest.mark.parametrize(
    'options, low',
    [
        (dict(begin=0, end=20), 0.0),
        (dict(begin=4, end=20, eta_min=0.05), 0.05),
        (dict(begin=19, end=20, eta_min=0.05), 0.05),
        (dict(begin=4, T_max=20, eta_min=0.05), 0.05),
    ],
)
def test_equals_timm_s_from_its_begin(options, low):
    optimizer = sgd()
    scheduler = WholeRunCosineLR(optimizer, by_epoch=False, **options)
    found = run([scheduler], optimizer, 20)
    begin = options['begin']
    expected = timm_s(20, begin, low)[begin:]
    torch.testing.assert_close(found[begin:], expected)
    # Before it, rates are left alone.
    assert found[:begin] == [list(RATES)] * begin


def test_of_a_million_steps():
    """Each rate is of its step alone: no error of the steps before it."""
    length, begin = 10**6, 4 * 10**4
    optimizer = sgd()
    scheduler = WholeRunCosineLR(
        optimizer, by_epoch=False, begin=begin, end=length
    )
    theirs = CosineLRScheduler(sgd(), t_initial=length, warmup_t=begin)
    for step in (begin + 1, length // 2, length - 2, length - 1):
        scheduler.last_step = step - begin
        assert scheduler._get_value() == pytest.approx(
            theirs._get_lr(step), rel=1e-9
        )


def test_the_smallest_rate_as_a_share():
    optimizer = sgd()
    scheduler = WholeRunCosineLR(
        optimizer, end=20, eta_min_ratio=0.1, by_epoch=False
    )
    found = run([scheduler], optimizer, 20)
    expected = [rates[0] for rates in timm_s(20, 0, 0.1)]
    torch.testing.assert_close(found, [[a, 0.3 * a] for a in expected])


def test_of_epochs_in_iterations():
    cls = PARAM_SCHEDULERS.get('mmpretrain.WholeRunCosineLR')
    assert cls is WholeRunCosineLR
    optimizer = sgd()
    scheduler = cls.build_iter_from_epoch(
        optimizer, begin=2, end=10, eta_min=0.01, epoch_length=3
    )
    found = run([scheduler], optimizer, 30)
    torch.testing.assert_close(found[6:], timm_s(30, 6, 0.01)[6:])


@pytest.mark.parametrize('stop', [2, 4, 11])
def test_goes_on_from_its_state(stop):
    def build():
        optimizer = sgd()
        return optimizer, WholeRunCosineLR(
            optimizer, begin=4, end=20, by_epoch=False
        )

    optimizer, scheduler = build()
    whole = run([scheduler], optimizer, 20)
    optimizer, scheduler = build()
    run([scheduler], optimizer, stop)
    states = optimizer.state_dict(), scheduler.state_dict()
    optimizer, scheduler = build()
    optimizer.load_state_dict(states[0])
    scheduler.load_state_dict(states[1])
    assert run([scheduler], optimizer, 20 - stop) == whole[stop:]
