# Copyright (c) aemim_mm contributors. All rights reserved.
"""mmpretrain's transformer block with fewer operations to start."""

from mmcv.cnn.bricks.drop import DropPath
from mmpretrain.models.backbones.vision_transformer import (
    TransformerEncoderLayer,
)
from torch import Tensor, nn

from .attention import UnbindAttention
from .ffn import DirectFFN


class FlatBlock(TransformerEncoderLayer):
    """mmpretrain's block on the tokens of all images in one matrix.

    A linear layer flattens three-dimensional tokens, and shapes its result
    back; here that is done once in a block, not four times. Layers that do
    nothing (dropout with p = 0, no layer scale) are not called. Values and
    gradients are the same to the bit, and so are parameters and state-dict
    keys. With dropout, or with a hook on the attention or the feed-forward
    network as a whole, the stock ``forward`` runs.
    """

    @classmethod
    def take_over(cls, module: nn.Module) -> None:
        """Let stock blocks, and what is in them, be of our classes.

        They stay the objects they are, with their parameters, hooks and
        names, and no random number is drawn. Subclasses of the stock classes
        are left alone, and blocks that have layers of another kind.

        Args:
            module (nn.Module): Where to look for them.
        """
        UnbindAttention.take_over(module)
        DirectFFN.take_over(module)
        for block in module.modules():
            if (
                type(block) is TransformerEncoderLayer
                and type(block.attn) is UnbindAttention
                and type(block.ffn) is DirectFFN
                and len(block.ffn.layers) == 3
                and block.ffn.add_identity
                and type(block.attn.gamma1) is nn.Identity
                and type(block.ffn.gamma2) is nn.Identity
                and type(block.attn.out_drop) is DropPath
                and type(block.ffn.dropout_layer) is DropPath
            ):
                block.__class__ = cls

    def forward(self, x: Tensor) -> Tensor:
        """Attend and transform.

        Args:
            x (Tensor): Tokens, (B, N, C).

        Returns:
            Tensor: (B, N, C).
        """
        if self._drops() or _hooked(self.attn) or _hooked(self.ffn):
            return super().forward(x)
        shape, attention = x.shape, self.attn
        (expand, activation, _), reduce, _ = self.ffn.layers
        x = x.flatten(0, 1)
        qkv = attention.qkv(self.ln1(x))
        heads = (3, attention.num_heads, attention.head_dims)
        q, k, v = qkv.view(*shape[:2], *heads).unbind(2)
        attended = attention.scaled_dot_product_attention(
            q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
        )
        x = x + attention.proj(attended.transpose(1, 2).reshape(x.shape))
        x = x + reduce(activation(expand(self.ln2(x))))
        return x.view(shape)

    def _drops(self) -> bool:
        """Whether something is dropped at random."""
        attention, ffn = self.attn, self.ffn
        return self.training and bool(
            attention.attn_drop
            or attention.proj_drop.p
            or ffn.layers[0][2].p
            or ffn.layers[2].p
            or attention.out_drop.drop_prob
            or ffn.dropout_layer.drop_prob
        )


def _hooked(module: nn.Module) -> bool:
    return bool(
        module._forward_hooks
        or module._forward_pre_hooks
        or module._backward_hooks
        or module._backward_pre_hooks
    )
