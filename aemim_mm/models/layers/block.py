# Copyright (c) aemim_mm contributors. All rights reserved.
"""mmpretrain's transformer block with fewer operations to start."""

from itertools import chain, repeat
from operator import contains
from typing import Any

import torch
from mmcv.cnn.bricks.drop import DropPath
from mmpretrain.models.backbones.vision_transformer import (
    TransformerEncoderLayer,
)
from torch import Tensor, nn

from .attention import UnbindAttention
from .ffn import DirectFFN

HOOKS = (
    '_forward_hooks',
    '_forward_pre_hooks',
    '_backward_hooks',
    '_backward_pre_hooks',
)


class FlatBlock(TransformerEncoderLayer):
    """mmpretrain's block that trains on one matrix of all images' tokens.

    A linear layer flattens three-dimensional tokens, and shapes its result
    back; here that is done once in a block, not four times. Layers that do
    nothing (dropout with p = 0, no layer scale) are not called. Values and
    gradients are the same to the bit, and so are parameters and state-dict
    keys. The stock ``forward`` runs outside of training, with dropout, and
    where a layer of the block has been replaced, patched or given a hook.
    """

    @classmethod
    def take_over(cls, module: nn.Module) -> None:
        """Let stock blocks of a module, and what is in them, be our classes.

        They stay the objects they are, with their parameters, hooks and names,
        and no random number is drawn. Subclasses of the stock classes are left
        alone, and blocks that have layers of another kind.
        """
        UnbindAttention.take_over(module)
        DirectFFN.take_over(module)
        block: Any
        for block in module.modules():
            if type(block) is TransformerEncoderLayer and _fits(block):
                block.__class__ = cls
                block._remember()

    def forward(self, x: Tensor) -> Tensor:
        """Attend between, and transform, tokens (B, N, C)."""
        if not self.training or not self._as_built() or self._drops():
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

    def _remember(self) -> None:
        """Note the layers, and where they and their hooks are kept."""
        layers = [m for m in self.modules() if m is not self]
        places = [m._modules for m in self.modules() if m._modules]
        hooks = [getattr(m, name) for m in layers for name in HOOKS]
        self._built: tuple[list[Any], ...] = (layers, places, hooks)
        self._order = _contents(places)
        attention, ffn = self.attn, self.ffn
        self._dropout = [attention.proj_drop, ffn.layers[0][2], ffn.layers[2]]
        self._drop_path = [attention.out_drop, ffn.dropout_layer]

    @torch.compiler.assume_constant_result
    def _as_built(self) -> bool:
        """Whether no layer was replaced, patched or given a hook since."""
        layers, places, hooks = self._built
        return (
            not any(hooks)
            and _contents(places) == self._order
            and not any(map(contains, map(vars, layers), repeat('forward')))
        )

    def _drops(self) -> bool:
        """Whether something is dropped at random."""
        return bool(
            self.attn.attn_drop
            or any(layer.p for layer in self._dropout)
            or any(layer.drop_prob for layer in self._drop_path)
        )


def _fits(block: TransformerEncoderLayer) -> bool:
    attention, ffn = block.attn, block.ffn
    if type(attention) is not UnbindAttention or type(ffn) is not DirectFFN:
        return False
    kinds = [
        (nn.LayerNorm, block.ln1, block.ln2),
        (nn.Identity, attention.gamma1, ffn.gamma2),
        (DropPath, attention.out_drop, ffn.dropout_layer),
    ]
    return (
        len(ffn.layers) == 3
        and ffn.add_identity
        and all(type(m) is kind for kind, *layers in kinds for m in layers)
    )


def _contents(places: list[dict[str, Any]]) -> list[Any]:
    return list(chain.from_iterable(map(dict.values, places)))
