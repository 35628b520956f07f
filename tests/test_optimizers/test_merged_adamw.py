# Copyright (c) aemim_mm contributors. All rights reserved.
import copy
import sys

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmpretrain.registry import OPTIMIZERS
from states import assert_equal_states
from torch import nn

from aemim_mm.optimizers import MergedAdamW


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(4, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 2)
    )


def train(net, optimizer, steps=4, scaler=None, clip=False):
    x = torch.randn(16, 4, generator=torch.Generator().manual_seed(1))
    for step in range(steps):
        for group in optimizer.param_groups:  # as a scheduler sets it
            group['lr'] = group['initial_lr'] * (1 + step)
        loss = net(x).square().mean()
        if scaler is None:
            loss.backward()
            optimizer.step()
        else:
            overflow = float('inf') if step == 1 else 1.0
            scaler.scale(loss * overflow).backward()
            if clip:  # as mmengine does it
                scaler.unscale_(optimizer)
                nn.utils.clip_grad_norm_(net.parameters(), 0.1)
            scaler.step(optimizer)
            scaler.update()
        optimizer.zero_grad()


def groups_of(net):
    """One for each weight, as mmengine makes them."""
    return [
        dict(
            params=[parameter],
            lr=0.01 if name.startswith('0') else 0.02,
            initial_lr=0.01 if name.startswith('0') else 0.02,
            weight_decay=0.0 if parameter.ndim == 1 else 0.1,
            param_name=name,
        )
        for name, parameter in net.named_parameters()
    ]


@pytest.mark.parametrize(
    'options, scaled, clip',
    [
        (dict(fused=True), False, False),
        (dict(fused=True), True, False),  # the scaler hands over its factor
        (dict(fused=True), True, True),
        (dict(foreach=True), False, False),
        (dict(amsgrad=True), False, False),
    ],
)
def test_the_same_to_the_bit_in_fewer_updates(
    monkeypatch, options, scaled, clip
):
    module = sys.modules['torch.optim.adam']
    updates, adam = [], module.adam
    monkeypatch.setattr(
        module,
        'adam',
        lambda params, *a, **kw: (
            updates.append(len(params)) or adam(params, *a, **kw)
        ),
    )
    found = []
    for cls in (torch.optim.AdamW, MergedAdamW):
        net = network()
        optimizer = cls(groups_of(net), lr=0.01, **options)
        scaler = torch.amp.GradScaler('cpu') if scaled else None
        updates.clear()
        train(net, optimizer, scaler=scaler, clip=clip)
        found.append((net.state_dict(), optimizer.state_dict(), set(updates)))
    (weights, state, single), (ours, our_state, together) = found
    assert single == {1} and together == {1, 3}  # by lr and weight decay
    assert_equal_states(weights, ours)
    assert our_state['param_groups'] == state['param_groups']
    for index, moments in state['state'].items():
        assert_equal_states(moments, our_state['state'][index])


def test_a_run_goes_on_with_either():
    first = network()
    optimizer = torch.optim.AdamW(groups_of(first))
    train(first, optimizer)
    found = []
    for cls in (torch.optim.AdamW, MergedAdamW):
        net = copy.deepcopy(first)
        resumed = cls(groups_of(net))
        resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        train(net, resumed)
        found.append(net.state_dict())
    assert_equal_states(found[0], found[1])


def test_settings_may_be_lists():
    """As those of the command line and of a config in JSON are."""
    net = network()
    train(net, MergedAdamW(groups_of(net), betas=[0.9, 0.95]))


def test_hooks_on_the_step_are_called_once():
    net, calls = network(), []
    optimizer = MergedAdamW(groups_of(net))
    optimizer.register_step_pre_hook(lambda *args: calls.append('before'))
    optimizer.register_step_post_hook(lambda *args: calls.append('after'))
    train(net, optimizer, steps=1)
    assert calls == ['before', 'after']
    torch.optim.AdamW(net.parameters())  # for which torch changes its step
    train(net, optimizer, steps=1)
    assert calls == 2 * ['before', 'after']


def test_groups_are_what_they_were_after_an_error():
    net = network()
    optimizer = MergedAdamW(groups_of(net))
    groups = optimizer.param_groups

    def fail():
        assert len(optimizer.param_groups) == 4
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        optimizer.step(fail)
    assert optimizer.param_groups is groups and len(groups) == 6


def test_by_its_name_in_a_config():
    wrapper = build_optim_wrapper(
        network(), dict(optimizer=dict(type='MergedAdamW', lr=0.1))
    )
    assert type(wrapper.optimizer) is MergedAdamW
    assert OPTIMIZERS.get('MergedAdamW') is MergedAdamW
