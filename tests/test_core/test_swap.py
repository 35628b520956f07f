# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from states import assert_equal_states
from torch import nn

from aemim_mm.core import AdapterBank, AdapterSwap, call_swapped


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


def test_nothing_to_swap():
    assert call_swapped(nn.Identity(), {}, lambda: 5) == 5


def test_unknown_name_is_an_error():
    net = nn.Linear(2, 2)
    with pytest.raises(KeyError, match='wieght.*weight'):
        call_swapped(net, {'wieght': torch.eye(2)}, lambda: 5)


class Net(nn.Module):
    """Encoder with batch norm, and a decoder; the bank may be a part."""

    def __init__(self, holds_bank):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
        self.decoder = nn.Sequential(nn.LayerNorm(3), nn.Linear(3, 2))
        self.teacher = nn.BatchNorm1d(2)
        bank = AdapterBank(self, exclude=('teacher',))
        with torch.no_grad():
            for twin in bank.parameters():
                twin.fill_(3.0)
        self.bank = bank if holds_bank else [bank]

    def forward(self, x):
        return self.decoder(self.encoder(x))


def swap_of(net):
    bank = net.bank if isinstance(net.bank, AdapterBank) else net.bank[0]
    return AdapterSwap(net, bank, 'encoder', exclude=('teacher',))


@pytest.mark.parametrize('holds_bank', [True, False])
def test_which_adapters_run_and_what_is_trained(holds_bank):
    net, x = Net(holds_bank), torch.randn(4, 2)
    swap = swap_of(net)
    own, twin = (
        net.encoder[1].weight,
        swap.bank.encoder.get_parameter('1.weight'),
    )
    with swap.adversarial():
        assert net.encoder[1].weight is twin
        assert (
            net.encoder[1].running_mean
            is swap.bank.tensors()['encoder.1.running_mean']
        )
        assert net.encoder[0].weight.requires_grad
        net(x).sum().backward()
    assert own.grad is None and twin.grad is not None
    assert net.encoder[0].weight.grad is not None
    state = {k: v.clone() for k, v in net.state_dict().items()}
    for frozen, weight in (
        (swap.frozen_clean, own),
        (swap.frozen_adversarial, twin),
    ):
        with frozen():
            assert torch.equal(net.encoder[1].weight, weight)
            assert not net(x).requires_grad
    assert net.encoder[1].weight is own
    assert_equal_states(net, state)


def test_its_parts():
    net = Net(holds_bank=True)
    swap = swap_of(net)
    net.decoder[1].bias.requires_grad_(False)
    assert swap.encoder_modules() == list(net.encoder.modules())
    assert swap.encoder_modules() is swap.encoder_modules()  # found once
    whole = AdapterSwap(net, net.bank)
    assert set(whole.encoder_modules()) == set(net.modules()) - set(
        net.bank.modules()
    )
    parameters = [
        *net.encoder.parameters(),
        *net.decoder[0].parameters(),
        net.decoder[1].weight,
    ]
    assert list(map(id, swap.clean_parameters())) == list(map(id, parameters))


def test_an_encoder_that_is_not_there():
    net = Net(holds_bank=True)
    for name, says in (
        ('encodr', "Net has no submodule 'encodr'. Did you mean 'encoder'?"),
        ('zzz', "Net has no submodule 'zzz'"),
    ):
        with pytest.raises(ValueError) as seen:
            AdapterSwap(net, net.bank, name)
        assert str(seen.value) == says
