# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from mmpretrain.models.backbones.vision_transformer import (
    TransformerEncoderLayer,
)

from aemim_mm.models.necks.partial_blocks import (
    forward_last_tokens,
    forward_shared_tokens,
    look_up,
)


def block(**options):
    layer = TransformerEncoderLayer(8, 2, 16, **options).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return layer


@pytest.mark.parametrize('count', [1, 3, 7])
@pytest.mark.parametrize(
    'options', [{}, dict(qkv_bias=False), dict(layer_scale_init_value=0.5)]
)
def test_equals_the_last_tokens_of_the_whole_block(count, options):
    layer, x = block(**options), torch.randn(2, 7, 8, dtype=torch.float64)
    expected = layer(x)[:, -count:]
    actual = forward_last_tokens(layer, x, count)
    torch.testing.assert_close(actual, expected, rtol=1e-10, atol=1e-10)
    assert actual.shape == (2, count, 8)


def test_gradients_of_the_last_tokens_are_the_same():
    layer, x = block(), torch.randn(2, 7, 8, dtype=torch.float64)
    weight = torch.randn(2, 4, 8, dtype=torch.float64)
    x.requires_grad_()
    inputs = [x, *layer.parameters()]
    expected = torch.autograd.grad(
        (layer(x)[:, -4:] * weight).sum(), inputs, materialize_grads=True
    )
    actual = torch.autograd.grad(
        (forward_last_tokens(layer, x, 4) * weight).sum(), inputs
    )
    torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-9)
    # Tokens that do not attend are attended to.
    assert actual[0][:, :3].abs().min() > 0


def test_dropout_of_the_attention_is_that_of_the_mode():
    layer, x = block(attn_drop_rate=0.5).eval(), torch.randn(1, 5, 8).double()
    once, twice = (forward_last_tokens(layer, x, 5) for _ in range(2))
    assert torch.equal(once, twice)
    layer.train()
    assert not torch.equal(forward_last_tokens(layer, x, 5), once)


@pytest.mark.parametrize('options', [{}, dict(qkv_bias=False)])
def test_shared_tokens_equal_the_whole_block(options):
    layer = block(**options)
    x = torch.randn(2, 3, 8, dtype=torch.float64, requires_grad=True)
    table = torch.randn(5, 8, dtype=torch.float64, requires_grad=True)
    # Tokens 1 and 3 are in both images, 4 in none.
    ids = torch.tensor([[0, 1, 3], [1, 2, 3]])
    expected = layer(torch.cat([x, table[ids]], dim=1))
    actual = forward_shared_tokens(layer, x, table, ids)
    torch.testing.assert_close(actual, expected, rtol=1e-10, atol=1e-10)
    weight = torch.randn(actual.shape, dtype=torch.float64)
    inputs = [x, table, *layer.parameters()]
    torch.testing.assert_close(
        torch.autograd.grad((actual * weight).sum(), inputs),
        torch.autograd.grad((expected * weight).sum(), inputs),
        rtol=1e-8,
        atol=1e-9,
    )


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_gradients_of_many_images_are_summed_in_float32(dtype):
    """bfloat16 cannot count beyond 256, float16 beyond 2048."""
    table = torch.zeros(3, 2, dtype=dtype, requires_grad=True)
    ids = torch.tensor([0, 2]).repeat(4096, 1)
    rows = look_up(table, ids)
    assert rows.dtype == dtype and rows.shape == (4096, 2, 2)
    rows.sum(dtype=torch.float32).backward()
    assert table.grad[:, 0].tolist() == [4096, 0, 4096]
