# Copyright (c) aemim_mm contributors. All rights reserved.
"""What is looked up once must stay true when the model changes."""

import copy
import pickle

import pytest
import torch
from states import assert_equal_states
from torch import nn
from torch.nn.utils import parametrize

from aemim_mm.core.module_index import ModuleIndex


def network():
    return nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 2))


def test_names_and_tensors_are_torchs_own():
    net = network()
    index = ModuleIndex(net)
    expected = {**dict(net.named_parameters()), **dict(net.named_buffers())}
    assert list(index.tensors()) == list(expected)
    for name, tensor in index.tensors().items():
        assert tensor is expected[name]
    assert dict(index.modules()) == dict(net.named_modules())


def test_excluded_submodules_are_left_out():
    index = ModuleIndex(network(), exclude=('1',))
    assert set(index.tensors()) == {
        '0.weight', '0.bias', '2.weight', '2.bias',
    }  # fmt: skip
    with pytest.raises(KeyError, match=r"'1.bias'. Did you mean '\d.bias'"):
        with index.swapped({'1.bias': torch.ones(2)}):
            pass


def test_is_looked_up_once(monkeypatch):
    net = network()
    index, walks = ModuleIndex(net), []
    walk = net.named_modules
    monkeypatch.setattr(
        net, 'named_modules', lambda **kw: walks.append(1) or walk(**kw)
    )
    for _ in range(3):
        with index.swapped(index.frozen()):
            net(torch.ones(3, 2))
        index.tensors()
    assert len(walks) == 1


def replace_module(net):
    net[0] = nn.Linear(2, 2)


def replace_parameter(net):
    net[0].weight = nn.Parameter(torch.ones(2, 2))


def add_module(net):
    net.append(nn.Linear(2, 2))


def add_parameter(net):
    net[0].scale = nn.Parameter(torch.ones(2))


def remove_parameter(net):
    net[0].register_parameter('bias', None)


def tie(net):
    net[0].weight = net[2].weight


def parametrise(net):
    parametrize.register_parametrization(net[0], 'weight', nn.Identity())


def cast(net):
    net.double()


@pytest.mark.parametrize(
    'change',
    [
        replace_module, replace_parameter, add_module, add_parameter,
        remove_parameter, tie, parametrise, cast,
    ],
)  # fmt: skip
def test_a_change_after_the_first_use_is_seen(change):
    net = network()
    index = ModuleIndex(net)
    index.tensors()
    change(net)
    expected = {**dict(net.named_parameters()), **dict(net.named_buffers())}
    assert list(index.tensors()) == list(expected)
    with index.swapped({n: torch.zeros_like(t) for n, t in expected.items()}):
        assert not any(p.any() for p in net.parameters())
    for name, tensor in index.tensors().items():
        assert tensor is expected[name]


def test_tied_parameters_are_replaced_wherever_they_are():
    net = network()
    net[2].weight = net[0].weight
    index, new = ModuleIndex(net), torch.eye(2)
    for name in ('0.weight', '2.weight'):
        with index.swapped({name: new}):
            assert net[0].weight is new and net[2].weight is new
    assert net[0].weight is net[2].weight is not new
    assert '2.weight' not in index.tensors()


def test_a_module_in_two_places_goes_by_both_names():
    shared = nn.Linear(2, 2)
    net, new = nn.Sequential(shared, shared), torch.eye(2)
    own = shared.weight
    for name in ('0.weight', '1.weight'):
        with ModuleIndex(net).swapped({name: new}):
            assert shared.weight is new
        assert shared.weight is own


def test_parametrised_weights():
    class Double(nn.Module):
        def forward(self, weight):
            return 2 * weight

    net = nn.Sequential(nn.Linear(2, 2, bias=False))
    parametrize.register_parametrization(net[0], 'weight', Double())
    x = torch.ones(1, 2)
    name = '0.parametrizations.weight.original'
    with ModuleIndex(net).swapped({name: torch.eye(2)}):
        assert torch.equal(net(x), 2 * x)
    assert not torch.equal(net(x), 2 * x)


def test_nested_swaps_and_errors_are_undone_in_order():
    net = network()
    index = ModuleIndex(net)
    own, one, two = net[0].weight, torch.eye(2), 2 * torch.eye(2)
    with index.swapped({'0.weight': one}):
        with pytest.raises(ZeroDivisionError):
            with index.swapped({'0.weight': two}):
                assert net[0].weight is two
                1 / 0  # noqa: B018
        assert net[0].weight is one
    assert net[0].weight is own
    # An error on the way in leaves nothing behind either.
    with pytest.raises(KeyError):
        with index.swapped({'0.weight': one, 'nothing': two}):
            pass
    assert net[0].weight is own


def test_frozen_computes_no_gradient_and_moves_no_statistic():
    net = network()
    index, before = ModuleIndex(net), copy.deepcopy(net.state_dict())
    frozen = index.frozen({'0.bias': nn.Parameter(torch.ones(2))})
    assert torch.equal(frozen['0.bias'], torch.ones(2))
    with index.swapped(frozen):
        out = net(torch.randn(4, 2))
    assert not out.requires_grad
    assert_equal_states(net, before)
    assert frozen['1.num_batches_tracked'] == 1


@pytest.mark.parametrize(
    'duplicate', [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_a_copy_has_its_own(duplicate):
    """As mmengine's EMAHook copies a model in which there is an index."""
    net = network()
    net.index = ModuleIndex(net)
    net.index.tensors()
    twin = duplicate(net)
    assert vars(twin.index)['_found'] is None
    assert vars(twin.index).keys() == vars(net.index).keys()
    with twin.index.swapped({'0.weight': torch.eye(2)}):
        assert torch.equal(twin[0].weight, torch.eye(2))
        assert not torch.equal(net[0].weight, torch.eye(2))
    assert twin.index.tensors()['0.weight'] is twin[0].weight


def test_two_tensors_for_tied_names_are_refused():
    net = network()
    net[2].weight = own = net[0].weight
    new = {'0.weight': torch.eye(2), '2.weight': torch.zeros(2, 2)}
    with pytest.raises(ValueError, match="'2.weight' is tied"):
        with ModuleIndex(net).swapped(new):
            pass
    assert net[0].weight is own and net[2].weight is own
    with ModuleIndex(net).swapped(dict.fromkeys(new, torch.eye(2))):
        assert torch.equal(net[2].weight, torch.eye(2))
