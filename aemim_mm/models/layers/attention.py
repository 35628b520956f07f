# Copyright (c) aemim_mm contributors. All rights reserved.
"""Self-attention of mmpretrain, in parts and with a shorter backward pass."""

from mmpretrain.models.utils import MultiheadAttention
from torch import Tensor, nn


class UnbindAttention(MultiheadAttention):
    """mmpretrain's attention, whose q, k and v are split at one go.

    The stock class picks queries, keys and values by index. Backwards each
    pick fills a tensor of the size of all three with zeros, copies its part,
    and the three are added up: nine operations in memory. Here one ``unbind``
    splits them, and one ``stack`` joins their gradients. Values and gradients
    are the same to the bit, and so are parameters and state-dict keys.
    """

    @classmethod
    def take_over(cls, module: nn.Module) -> None:
        """Let stock attention layers in a module be of this class.

        They stay the objects they are, with their parameters, hooks and names,
        and no random number is drawn. Subclasses of the stock class, and
        layers with a shortcut from the values, are left alone.
        """
        for layer in module.modules():
            if type(layer) is MultiheadAttention and not layer.v_shortcut:
                layer.__class__ = cls

    def forward(self, x: Tensor) -> Tensor:
        """Attend, between tokens (B, N, C)."""
        return attend(self, *split_heads(self, self.qkv(x), 3))


def split_heads(
    attention: MultiheadAttention, x: Tensor, parts: int
) -> tuple[Tensor, ...]:
    """Split what a layer projected, (B, N, parts * C), into parts and heads.

    There are 3 parts for queries, keys and values; the results are ``parts``
    views of shape (B, heads, N, C / heads).
    """
    sizes = (parts, attention.num_heads, attention.head_dims)
    # Split before the transposition: the gradients are then joined in the
    # order in which the projection wants them.
    return tuple(
        part.transpose(1, 2) for part in x.unflatten(2, sizes).unbind(2)
    )


def attend(
    attention: MultiheadAttention, q: Tensor, k: Tensor, v: Tensor
) -> Tensor:
    """All of a layer behind queries, keys and values: (B, N, C).

    Of queries (B, heads, N, C / heads), and keys and values (B, heads, M, C /
    heads).
    """
    dropout = attention.attn_drop if attention.training else 0.0
    x = attention.scaled_dot_product_attention(q, k, v, dropout_p=dropout)
    x = attention.proj(x.transpose(1, 2).flatten(2))
    return attention.out_drop(attention.gamma1(attention.proj_drop(x)))
