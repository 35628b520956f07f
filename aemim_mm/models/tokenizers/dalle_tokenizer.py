# Copyright (c) aemim_mm contributors. All rights reserved.
import torch
from mmengine.model import BaseModule
from mmpretrain.registry import MODELS
from torch import Tensor


@MODELS.register_module()
class DALLETokenizer(BaseModule):
    """DALL-E's discrete VAE: images to tokens and back, frozen.

    Its parameters have no gradient, and it stays in evaluation mode.

    Args:
        encoder (dict): Config of the encoder, ``type='DALL-E'``.
        decoder (dict): Config of the decoder, ``type='DALLEDecoder'``.
        init_cfg (dict, optional): As every mmengine module takes it.
            Defaults to None.
    """

    def __init__(
        self, encoder: dict, decoder: dict, init_cfg: dict | None = None
    ) -> None:
        super().__init__(init_cfg)
        self.encoder = MODELS.build(encoder)
        self.decoder = MODELS.build(decoder)
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> 'DALLETokenizer':
        """Stay in evaluation mode, whatever ``mode`` is."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """The most probable tokens (B, h, w), int64, of images (B, 3, 8h, 8w).

        They are in the encoder's range: black is 0.1 and white is 0.9.
        """
        return self.encoder(x).argmax(1)

    @torch.no_grad()
    def decode(self, tokens: Tensor) -> Tensor:
        """Tokens (B, h, w) to images in the encoder's range, (B, 3, H, W)."""
        return self.decoder(tokens)
