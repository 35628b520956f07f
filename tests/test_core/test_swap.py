# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from torch import nn

from aemim_mm.core import call_swapped


def test_any_function_runs_under_the_swap():
    net = nn.Linear(2, 2, bias=False)
    own = net.weight
    new = torch.eye(2, requires_grad=True)
    x = torch.tensor([[1.0, 2.0]])
    result = call_swapped(net, {'weight': new}, lambda: (net(x), net.weight))
    assert torch.equal(result[0], x)
    assert result[1] is new
    assert net.weight is own
    result[0].sum().backward()
    assert own.grad is None and new.grad is not None


def test_swap_is_undone_after_an_error():
    net = nn.Linear(2, 2)
    own = net.weight

    def fail():
        raise KeyError('x')

    with pytest.raises(KeyError):
        call_swapped(net, {'weight': torch.eye(2)}, fail)
    assert net.weight is own


def test_buffers_and_nesting():
    net = nn.Sequential(nn.BatchNorm1d(2))
    mean = torch.ones(2)
    net.eval()
    x = torch.ones(1, 2)
    inner = call_swapped(
        net,
        {'0.running_mean': mean},
        lambda: call_swapped(net, {'0.bias': mean}, lambda: net(x)),
    )
    torch.testing.assert_close(inner, torch.ones(1, 2))
    assert torch.equal(net[0].running_mean, torch.zeros(2))


def test_nothing_to_swap():
    assert call_swapped(nn.Identity(), {}, lambda: 5) == 5


def test_unknown_name_is_an_error():
    net = nn.Linear(2, 2)
    with pytest.raises(KeyError, match='wieght.*weight'):
        call_swapped(net, {'wieght': torch.eye(2)}, lambda: 5)
