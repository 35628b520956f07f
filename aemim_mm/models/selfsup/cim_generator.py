# Copyright (c) aemim_mm contributors. All rights reserved.
from mmpretrain.models.selfsup import BEiTPretrainViT
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from ...utils.tokens import gather_tokens


@MODELS.register_module()
class CIMGenerator(BEiTPretrainViT):
    """The generator of CIM: a BEiT and its prediction of masked tokens.

    Args:
        num_embed (int): Size V of the tokenizer's vocabulary. Defaults to
            8192.
        **kwargs: As :class:`mmpretrain.models.BEiTPretrainViT`.
    """

    def __init__(self, num_embed: int = 8192, **kwargs) -> None:
        super().__init__(**kwargs)
        self.cls_head = nn.Linear(self.embed_dims, num_embed)

    def forward(self, x: Tensor, ids_masked: Tensor) -> Tensor:
        """Predict the tokens of masked patches from the other patches.

        Logits (B, M, V), of normalised images (B, C, H, W) and the indices of
        the masked patches, (B, M), int64.
        """
        rows, columns = self.patch_resolution
        mask = x.new_zeros(len(x), rows * columns).scatter(1, ids_masked, 1.0)
        features = super().forward(x, mask)[-1][:, 1:]
        return self.cls_head(gather_tokens(features, ids_masked))
