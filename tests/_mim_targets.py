# Copyright (c) aemim_mm contributors. All rights reserved.
"""Small stand-ins for the networks whose weights would be a download.

They keep the calling convention of the real ones, and like them they answer
differently to every image: a test that hands them the wrong image fails.
"""

import torch
from mmengine.model import BaseModule
from mmpretrain.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module(force=True)
class ToyDALLE(BaseModule):
    """The interface of mmpretrain's ``DALL-E`` encoder.

    As there, every parameter is trainable (and never trained).

    Args:
        num_embed (int): Size of the vocabulary. Defaults to 16.
        patch_size (int): Side of the patch of one token, in pixels.
            Defaults to 8.
        init_cfg (dict, optional): As every mmengine module takes it.
            Defaults to None.
    """

    def __init__(
        self,
        num_embed: int = 16,
        patch_size: int = 8,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.conv = nn.Conv2d(3, num_embed, patch_size, stride=patch_size)

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, 3, H, W) to logits (B, vocabulary, h, w)."""
        return self.conv(x.float())


@MODELS.register_module(force=True)
class ToyCLIP(BaseModule):
    """The interface of mmpretrain's ``CLIPGenerator``.

    As there, every parameter is trainable (and never trained), and some are
    those of norm layers, which adapters must leave alone.

    Args:
        embed_dims (int): Channels of the features. Defaults to 16.
        patch_size (int): Side of the patch of one token, in pixels.
            Defaults to 8.
        num_patches (int): Number of patches L of an image. Defaults to 16.
    """

    def __init__(
        self,
        embed_dims: int = 16,
        patch_size: int = 8,
        num_patches: int = 16,
    ) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, embed_dims, patch_size, stride=patch_size)
        self.class_embedding = nn.Parameter(torch.randn(1, 1, embed_dims))
        self.positional_embedding = nn.Parameter(
            torch.randn(1, 1 + num_patches, embed_dims)
        )
        self.ln_pre = nn.LayerNorm(embed_dims)
        self.attention = nn.MultiheadAttention(embed_dims, 1, batch_first=True)
        self.ln_post = nn.LayerNorm(embed_dims)
        self.proj = nn.Parameter(torch.randn(embed_dims, embed_dims))

    @torch.no_grad()
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B, 3, H, W) to (B, 1+L, C) and attention (B, 1+L, 1+L)."""
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        class_token = self.class_embedding.expand(len(x), -1, -1)
        tokens = torch.cat((class_token.to(tokens.dtype), tokens), dim=1)
        tokens = self.ln_pre(tokens + self.positional_embedding)
        mixed, attention = self.attention(tokens, tokens, tokens)
        return self.ln_post(tokens + mixed) @ self.proj, attention
