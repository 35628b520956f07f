# Copyright (c) aemim_mm contributors. All rights reserved.
"""A transformer block for some of its tokens."""

import torch.nn.functional as F
from torch import Tensor, nn


def forward_last_tokens(block: nn.Module, x: Tensor, count: int) -> Tensor:
    """What a block makes of the last tokens, at the cost of those.

    Every token is attended to, but only the last ones attend, and go through
    the projection and the MLP.

    Args:
        block (nn.Module): mmpretrain's ``TransformerEncoderLayer``.
        x (Tensor): N tokens, (B, N, C).
        count (int): How many of them are wanted, M.

    Returns:
        Tensor: ``block(x)[:, -M:]`` up to rounding, (B, M, C).
    """
    attention = block.attn
    heads = (attention.num_heads, attention.head_dims)
    dims = attention.embed_dims
    weight, bias = attention.qkv.weight, attention.qkv.bias
    q_bias, kv_bias = (
        (None, None) if bias is None else bias.split([dims, 2 * dims])
    )
    q_weight, kv_weight = weight.split([dims, 2 * dims])

    normed = block.ln1(x)
    q = F.linear(normed[:, -count:], q_weight, q_bias)
    kv = F.linear(normed, kv_weight, kv_bias)
    q = q.unflatten(2, heads).transpose(1, 2)
    k, v = kv.unflatten(2, (2, *heads)).permute(2, 0, 3, 1, 4)
    dropout = attention.attn_drop if attention.training else 0.0
    y = attention.scaled_dot_product_attention(q, k, v, dropout_p=dropout)
    y = attention.proj(y.transpose(1, 2).flatten(2))
    y = attention.out_drop(attention.gamma1(attention.proj_drop(y)))
    x = x[:, -count:] + y
    return block.ffn(block.ln2(x), identity=x)
