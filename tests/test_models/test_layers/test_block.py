# Copyright (c) aemim_mm contributors. All rights reserved.
import copy

import pytest
import torch
from mmpretrain.models.backbones.vision_transformer import (
    TransformerEncoderLayer,
)
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from aemim_mm.models.layers import DirectFFN, FlatBlock, UnbindAttention


def blocks(**options):
    """A stock block, and a copy that is ours."""
    stock = TransformerEncoderLayer(16, 4, 32, **options)
    for parameter in stock.parameters():
        nn.init.normal_(parameter, std=0.3)
    ours = copy.deepcopy(stock)
    FlatBlock.take_over(nn.Sequential(ours))
    return stock, ours


def run(block, x, dtype=None):
    """Output and gradients."""
    torch.manual_seed(0)
    x = x.clone().requires_grad_()
    with torch.autocast('cpu', dtype, enabled=dtype is not None):
        out = block(x)
    out.square().sum().backward()
    return [out, x.grad] + [p.grad for p in block.parameters()]


@pytest.mark.parametrize('dtype', [None, torch.bfloat16, torch.float16])
@pytest.mark.parametrize(
    'options',
    [
        {},
        dict(qkv_bias=False),
        dict(drop_rate=0.3),
        dict(attn_drop_rate=0.3),
        dict(drop_path_rate=0.5),
        dict(num_fcs=3),
        dict(layer_scale_init_value=0.1),
    ],
)
def test_same_values_gradients_and_keys_as_stock(options, dtype):
    stock, ours = blocks(**options)
    assert ours.state_dict().keys() == stock.state_dict().keys()
    plain = not options.keys() & {'num_fcs', 'layer_scale_init_value'}
    assert type(ours) is (FlatBlock if plain else TransformerEncoderLayer)
    x = torch.randn(3, 5, 16)
    for training in (False, True):
        results = []
        for block in (stock, ours):
            block.train(training).zero_grad()
            results.append(run(block, x, dtype))
        for theirs, own in zip(*results, strict=True):
            assert torch.equal(own, theirs)


class Count(TorchDispatchMode):
    """Counts operations."""

    def __init__(self):
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        """Count, then do."""
        self.total += 1
        return function(*args, **(kwargs or {}))


def test_fewer_operations_than_stock():
    counts = []
    for block in blocks():
        with Count() as count:
            run(block, torch.randn(3, 5, 16))
        counts.append(count.total)
    stock, ours = counts
    assert ours <= 0.9 * stock


LAYERS = [
    'ln1', 'attn', 'attn.qkv', 'attn.proj', 'attn.proj_drop', 'attn.out_drop',
    'attn.gamma1', 'ln2', 'ffn', 'ffn.layers', 'ffn.layers.0',
    'ffn.layers.0.1', 'ffn.layers.2', 'ffn.gamma2', 'ffn.dropout_layer',
]  # fmt: skip


@pytest.mark.parametrize('training', [True, False])
@pytest.mark.parametrize('name', LAYERS)
def test_a_hook_on_a_layer_sees_what_it_sees_in_stock(name, training):
    x, seen = torch.randn(3, 5, 16), []
    for block in blocks():
        block.train(training)
        handle = block.get_submodule(name).register_forward_hook(
            lambda module, args, output: seen.append(output.detach())
        )
        run(block, x)
        handle.remove()
        run(block, x)
    theirs, ours = seen
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize('kind', ['full_backward', 'full_backward_pre'])
def test_hooks_of_the_backward_pass_are_called(kind):
    _, ours = blocks()
    calls = []
    register = getattr(ours.attn, f'register_{kind}_hook')
    register(lambda *args: calls.append(1))
    run(ours, torch.randn(3, 5, 16))
    assert calls == [1]


def zeros(*args, **kwargs):
    return torch.zeros(3, 5, 16)


class Zeros(nn.Module):
    def forward(self, *args, **kwargs):
        return zeros()


@pytest.mark.parametrize('copied', [False, True])
@pytest.mark.parametrize('name', ['attn', 'attn.proj_drop', 'ffn', 'ln2'])
@pytest.mark.parametrize('patched', [False, True])
def test_a_layer_that_is_replaced_or_patched_counts(name, patched, copied):
    stock, ours = blocks()
    x = torch.randn(3, 5, 16)
    before = run(ours, x)[0]
    if copied:  # as EMAHook makes one
        ours = copy.deepcopy(ours)
        assert torch.equal(run(ours, x)[0], before)
    for block in (stock, ours):
        if patched:  # as activation checkpointing does
            block.get_submodule(name).forward = zeros
        else:
            parent, _, child = name.rpartition('.')
            setattr(block.get_submodule(parent), child, Zeros())
    expected, actual = stock(x), ours(x)
    assert torch.equal(actual, expected) and not torch.equal(actual, before)


def test_an_appended_layer_counts():
    stock, ours = blocks()
    for block in (stock, ours):
        block.ffn.layers.append(Zeros())
    x = torch.randn(3, 5, 16)
    assert torch.equal(ours(x), stock(x))


def test_blocks_with_other_layers_are_left_alone():
    block = TransformerEncoderLayer(16, 4, 32, norm_cfg=dict(type='BN1d'))
    FlatBlock.take_over(block)
    assert type(block) is TransformerEncoderLayer


def test_what_is_taken_over():
    class Other(TransformerEncoderLayer):
        pass

    net = nn.Sequential(Other(8, 2, 16), TransformerEncoderLayer(8, 2, 16))
    FlatBlock.take_over(net)
    assert [type(block) for block in net] == [Other, FlatBlock]
    for block in net:
        assert type(block.attn) is UnbindAttention
        assert type(block.ffn) is DirectFFN
