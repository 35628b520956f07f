# Copyright (c) aemim_mm contributors. All rights reserved.
import torch.nn.functional as F
from mmengine.model import BaseModule
from mmpretrain.registry import MODELS
from torch import Tensor


@MODELS.register_module()
class PatchMeanTokenizer(BaseModule):
    """A tokenizer without weights: the token of a patch is its mean grey.

    Nothing is learned: decoded images are mosaics. It stands in for DALL-E's
    where images are too small for that one.

    Args:
        patch_size (int): Side of a patch, in pixels. Defaults to 4.
        num_embed (int): Number of tokens V, grey levels. Defaults to 32.
    """

    def __init__(self, patch_size: int = 4, num_embed: int = 32) -> None:
        super().__init__()
        self.patch_size = patch_size
        self.num_embed = num_embed

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, 1, H, W) in [0, 1] to tokens (B, h, w), int64."""
        mean = F.avg_pool2d(x, self.patch_size)[:, 0]
        return (mean * self.num_embed).long().clamp(0, self.num_embed - 1)

    def decode(self, tokens: Tensor) -> Tensor:
        """Tokens (B, h, w) to images (B, 1, H, W) of flat patches."""
        grey = (tokens + 0.5) / self.num_embed
        return F.interpolate(grey[:, None], scale_factor=self.patch_size)
