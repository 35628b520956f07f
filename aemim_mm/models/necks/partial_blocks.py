# Copyright (c) aemim_mm contributors. All rights reserved.
"""Transformer blocks that leave out what nobody looks at, or is known.

``block`` is mmpretrain's ``TransformerEncoderLayer``, whose modules are used
as they are.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..layers import (
    attend,
    split_heads,
)


def forward_shared_tokens(
    block: nn.Module, x: Tensor, table: Tensor, ids: Tensor
) -> Tensor:
    """A block on tokens of which some are the same in all images.

    ``block(cat([x, table[ids]], dim=1))`` up to rounding, (B, K + M, C), of
    the images' own tokens (B, K, C) and those that images share, (L, C), of
    which each image has those of ``ids``, (B, M), integers. Norm, queries,
    keys and values of the shared ones are computed once for the batch.
    """
    attention = block.attn
    own = attention.qkv(block.ln1(x))
    shared = attention.qkv(block.ln1(table))
    qkv = torch.cat([own, look_up(shared, ids)], dim=1)
    q, k, v = split_heads(attention, qkv, 3)
    x = torch.cat([x, look_up(table, ids)], dim=1)
    x = x + attend(attention, q, k, v)
    return block.ffn(block.ln2(x), identity=x)


def look_up(table: Tensor, ids: Tensor) -> Tensor:
    """Rows of a table; their gradients are summed in float32 or more.

    ``table[ids]``, (B, M, C), of (L, C) and integers (B, M).
    """
    return _LookUp.apply(table, ids)


class _LookUp(torch.autograd.Function):
    """``F.embedding``, which sums in half precision on the CPU."""

    @staticmethod
    def forward(ctx, table: Tensor, ids: Tensor) -> Tensor:
        """Choose."""
        ctx.save_for_backward(ids)
        ctx.count = len(table)
        return F.embedding(ids, table)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:
        """Sum the gradients of every row."""
        (ids,) = ctx.saved_tensors
        wide = torch.promote_types(grad.dtype, torch.float32)
        total = torch.ops.aten.embedding_dense_backward(
            grad.to(wide), ids, ctx.count, -1, False
        )
        return total.to(grad.dtype), None


def forward_last_tokens(block: nn.Module, x: Tensor, count: int) -> Tensor:
    """What a block makes of the last tokens, at the cost of those.

    ``block(x)[:, -count:]`` up to rounding, of tokens (B, N, C); at least one
    is wanted. Every token is attended to, but only the last ones attend, and
    go through the projection and the MLP.
    """
    attention = block.attn
    sizes = [attention.embed_dims, 2 * attention.embed_dims]
    q_weight, kv_weight = attention.qkv.weight.split(sizes)
    q_bias = kv_bias = None
    if attention.qkv.bias is not None:
        q_bias, kv_bias = attention.qkv.bias.split(sizes)

    normed = block.ln1(x)
    q = F.linear(normed[:, -count:], q_weight, q_bias)
    kv = F.linear(normed, kv_weight, kv_bias)
    (q,) = split_heads(attention, q, 1)
    k, v = split_heads(attention, kv, 2)
    x = x[:, -count:] + attend(attention, q, k, v)
    return block.ffn(block.ln2(x), identity=x)
