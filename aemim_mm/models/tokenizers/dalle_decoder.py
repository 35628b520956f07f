# Copyright (c) aemim_mm contributors. All rights reserved.
"""The decoder of DALL-E's discrete VAE; mmpretrain has the encoder alone."""

from collections import OrderedDict

import torch.nn.functional as F
from mmengine.model import BaseModule
from mmpretrain.models.selfsup.cae import Conv2d
from mmpretrain.registry import MODELS
from torch import Tensor, nn


def _convolution(n_in: int, n_out: int, kernel: int) -> Conv2d:
    # Its own default is the CPU, whatever torch's default device is.
    return Conv2d(n_in, n_out, kernel, device=None)


class DecoderBlock(nn.Module):
    """A residual block of four convolutions, the first of them 1 x 1.

    The hidden ones have a quarter of the ``n_out`` channels. The residual path
    is multiplied by the inverse square of ``n_layers``, the blocks of the
    whole decoder.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        n_layers: int,
    ) -> None:
        super().__init__()
        self.gain = 1 / n_layers**2
        hidden = n_out // 4
        self.id_path = (
            nn.Identity() if n_in == n_out else _convolution(n_in, n_out, 1)
        )
        widths = (n_in, hidden, hidden, hidden, n_out)
        path: OrderedDict[str, nn.Module] = OrderedDict()
        for i, kernel in enumerate((1, 3, 3, 3), 1):
            path[f'relu_{i}'] = nn.ReLU()
            path[f'conv_{i}'] = _convolution(widths[i - 1], widths[i], kernel)
        self.res_path = nn.Sequential(path)

    def forward(self, x: Tensor) -> Tensor:
        """(B, n_in, h, w) to (B, n_out, h, w)."""
        return self.id_path(x) + self.gain * self.res_path(x)


@MODELS.register_module()
class DALLEDecoder(BaseModule):
    """Decoder of DALL-E's discrete VAE (Ramesh et al., arXiv 2102.12092).

    Its state-dict keys are those of OpenAI's file
    ``https://cdn.openai.com/dall-e/decoder.pkl``.

    Args:
        n_init (int): Channels of a token's embedding. Defaults to 128.
        n_hid (int): Channels of the last group; the four groups have 8, 4, 2
            and 1 times as many. Defaults to 256.
        n_blk_per_group (int): Blocks of a group. Defaults to 2.
        vocab_size (int): Number of tokens V. Defaults to 8192.
        init_cfg (dict, optional): Where the weights are. Defaults to None.
    """

    def __init__(
        self,
        n_init: int = 128,
        n_hid: int = 256,
        n_blk_per_group: int = 2,
        vocab_size: int = 8192,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        parts: OrderedDict[str, nn.Module] = OrderedDict(
            input=_convolution(vocab_size, n_init, 1)
        )
        n_in, factors = n_init, (8, 4, 2, 1)
        for group, factor in enumerate(factors, 1):
            blocks: OrderedDict[str, nn.Module] = OrderedDict()
            for block in range(1, n_blk_per_group + 1):
                blocks[f'block_{block}'] = DecoderBlock(
                    n_in,
                    factor * n_hid,
                    len(factors) * n_blk_per_group,
                )
                n_in = factor * n_hid
            if group < len(factors):
                blocks['upsample'] = nn.Upsample(scale_factor=2)
            parts[f'group_{group}'] = nn.Sequential(blocks)
        # Mean and scale of a Laplace distribution of each channel.
        output = _convolution(n_hid, 6, 1)
        parts['output'] = nn.Sequential(
            OrderedDict(relu=nn.ReLU(), conv=output)
        )
        self.blocks = nn.Sequential(parts)

    def forward(self, tokens: Tensor) -> Tensor:
        """Decode tokens (B, h, w) in [0, V), int64, to images (B, 3, 8h, 8w).

        They are RGB in (0, 1), float32, as the encoder takes them: black is
        0.1 and white is 0.9. The first layer is a convolution of one-hot
        vectors, (B, V, h, w): it is computed as a look-up of its columns.
        """
        first, *rest = self.blocks.children()
        weight, bias = first.parameters()
        x = F.embedding(tokens, weight.flatten(1).t()) + bias
        x = x.permute(0, 3, 1, 2)
        for part in rest:
            x = part(x)
        return x[:, :3].float().sigmoid()
