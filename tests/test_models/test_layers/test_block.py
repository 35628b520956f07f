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


@pytest.mark.parametrize('part', ['attn', 'ffn'])
@pytest.mark.parametrize(
    'kind',
    [
        'forward_hook',
        'forward_pre_hook',
        'full_backward_hook',
        'full_backward_pre_hook',
    ],
)
def test_a_hook_on_a_part_is_called(part, kind):
    stock, ours = blocks()
    seen = []
    handle = getattr(getattr(ours, part), f'register_{kind}')(
        lambda module, *tensors: seen.append(module)
    )
    x = torch.randn(3, 5, 16)
    results = [run(stock, x), run(ours, x)]
    for theirs, own in zip(*results, strict=True):
        torch.testing.assert_close(own, theirs)
    assert seen == [getattr(ours, part)]
    handle.remove()
    run(ours, x)
    assert len(seen) == 1


def test_what_is_taken_over():
    class Other(TransformerEncoderLayer):
        pass

    net = nn.Sequential(Other(8, 2, 16), TransformerEncoderLayer(8, 2, 16))
    FlatBlock.take_over(net)
    assert [type(block) for block in net] == [Other, FlatBlock]
    for block in net:
        assert type(block.attn) is UnbindAttention
        assert type(block.ffn) is DirectFFN
