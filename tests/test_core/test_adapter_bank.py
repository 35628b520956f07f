# Copyright (c) aemim_mm contributors. All rights reserved.
"""The bank on plain torch modules."""

import pytest
import torch
from torch import nn
from torch.func import functional_call

from aemim_mm.core import AdapterBank


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.cls_token = nn.Parameter(torch.randn(1, 1, 4))
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4)) for _ in range(2)
        )
        self.bn = nn.BatchNorm1d(4)
        self.teacher = nn.Sequential(nn.LayerNorm(4))

    def forward(self, x):
        x = x + self.cls_token[0]
        for block in self.blocks:
            x = block(x)
        return self.bn(x)


def test_names_are_those_of_the_originals():
    net = Net()
    bank = AdapterBank(net, ('norm', 'cls_token'), exclude=('teacher',))
    assert set(bank.state_dict()) == {
        'cls_token',
        'blocks.0.1.weight', 'blocks.0.1.bias',
        'blocks.1.1.weight', 'blocks.1.1.bias',
        'bn.weight', 'bn.bias', 'bn.running_mean', 'bn.running_var',
        'bn.num_batches_tracked',
    }  # fmt: skip
    assert set(bank.tensors()) == set(bank.state_dict())
    assert isinstance(bank.get_submodule('blocks.0.1'), nn.LayerNorm)
    assert 'teacher.0.weight' in AdapterBank(net).tensors()
    within = AdapterBank(nn.ModuleDict({'net': net}), ('cls_token',))
    assert set(within.tensors()) == {'net.cls_token'}


def test_twins_are_copies():
    net = Net()
    net.bn.weight.requires_grad_(False)
    net.cls_token.requires_grad_(False)
    bank = AdapterBank(net, ('norm', 'cls_token'))
    originals = {**net.state_dict()}
    for name, twin in bank.tensors().items():
        assert torch.equal(twin, originals[name])
        assert twin.data_ptr() != originals[name].data_ptr()
    assert not bank.bn.weight.requires_grad
    assert not bank.cls_token.requires_grad
    assert bank.get_submodule('blocks.0.1').weight.requires_grad


def test_swapped_call_uses_and_trains_the_twins_only():
    net, x = Net(), torch.randn(8, 4)
    bank = AdapterBank(net, ('norm', 'cls_token'), exclude=('teacher',))
    torch.testing.assert_close(
        functional_call(net, bank.tensors(), (x,)), net(x)
    )
    with torch.no_grad():
        bank.bn.weight.mul_(3)
    net.zero_grad()
    mean = net.bn.running_mean.clone()
    functional_call(net, bank.tensors(), (x,)).pow(3).sum().backward()
    assert net.bn.weight.grad is None and net.cls_token.grad is None
    assert bank.bn.weight.grad.abs().max() > 0
    assert bank.cls_token.grad is not None
    assert net.blocks[0][0].weight.grad.abs().max() > 0
    assert torch.equal(net.bn.running_mean, mean)
    assert not torch.equal(bank.bn.running_mean, mean)


def test_copy_from_skips():
    net = Net()
    bank = AdapterBank(net, ('norm', 'cls_token'))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(1)
    bank.copy_from(net, skip=('cls_token',))
    assert torch.equal(bank.bn.weight, net.bn.weight)
    torch.testing.assert_close(bank.cls_token + 1, net.cls_token)


def test_fill_missing():
    net = Net()
    bank = AdapterBank(net)
    state = {f'm.{k}': v for k, v in net.state_dict().items()}
    own = torch.full((4,), 7.0)
    state['m.adv.bn.weight'] = own
    found = bank.fill_missing(state, 'm.', 'm.adv.')
    assert found == set(bank.tensors())
    assert state['m.adv.bn.weight'] is own
    filled = state['m.adv.bn.bias']
    assert torch.equal(filled, net.bn.bias)
    assert filled.data_ptr() != net.bn.bias.data_ptr()
    assert bank.fill_missing({}, '', 'adv.') == set()


def test_empty_bank():
    bank = AdapterBank(Net(), ())
    assert not bank.state_dict() and not bank.tensors()


@pytest.mark.parametrize(
    'module, kinds, error, says',
    [
        (
            Net(),
            'norm',
            TypeError,
            "adapters must be a tuple such as ('norm',), ('norm', 'cls_token')"
            " or (), but got 'norm'",
        ),
        (
            Net(),
            3,
            TypeError,
            "adapters must be a tuple such as ('norm',), ('norm', 'cls_token')"
            ' or (), but got 3',
        ),
        (
            Net(),
            ('norm', 'bias'),
            ValueError,
            "unknown adapter 'bias': choose from ('norm', 'cls_token')",
        ),
        (
            nn.LayerNorm(2),
            ('cls_token',),
            ValueError,
            "adapters contains 'cls_token', but LayerNorm has no class token: "
            "use adapters=('norm',)",
        ),
        (
            nn.Linear(2, 2),
            ('norm',),
            ValueError,
            "adapters contains 'norm', but Linear has no normalisation layer",
        ),
    ],
)
def test_kinds_that_are_none(module, kinds, error, says):
    with pytest.raises(error) as seen:
        AdapterBank(module, kinds)
    assert str(seen.value) == says
