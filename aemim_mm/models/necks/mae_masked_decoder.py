# Copyright (c) aemim_mm contributors. All rights reserved.
from mmpretrain.models import MAEPretrainDecoder
from mmpretrain.registry import MODELS
from torch import Tensor, cat

from ...utils.tokens import gather_tokens
from ..layers import FlatBlock
from .partial_blocks import (
    forward_last_tokens,
    forward_shared_tokens,
    look_up,
)


@MODELS.register_module()
class MAEMaskedDecoder(MAEPretrainDecoder):
    """MAE's decoder that computes no more than the loss looks at.

    The loss is taken on masked patches. So the last block computes queries,
    MLP, norm and prediction of the masked tokens alone; keys and values are
    those of all tokens. In the first block a masked token is the mask token
    at its place, in every image: norm, queries, keys and values are computed
    once for each place, not for each image. Tokens stay in the order class
    token, visible, masked: attention does not depend on it, each token has
    the embedding of its own place, and nothing has to be sorted back.

    The predictions are, up to rounding, those of
    :class:`mmpretrain.models.MAEPretrainDecoder`, whose arguments, parameters
    and state-dict keys it has: checkpoints of one load into the other. It
    needs :class:`MAEMaskedHead`, which knows which patches they are of, and
    an encoder with a class token.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        FlatBlock.take_over(self)

    def forward(self, x: Tensor, ids_restore: Tensor) -> Tensor:
        """Decode the masked patches.

        Args:
            x (Tensor): Class token and K visible tokens in the order in which
                the encoder kept them, (B, 1 + K, embed_dim).
            ids_restore (Tensor): Where each of the L patches stands in the
                sequence of visible and masked ones, (B, L).

        Returns:
            Tensor: Predictions of the masked patches in ascending order of
            their places, (B, L - K, predict_feature_dim); the last dimension
            defaults to patch_size**2 * in_chans.

        Raises:
            ValueError: If no patch is masked.
        """
        num_visible = x.shape[1] - 1
        if num_visible == ids_restore.shape[1]:
            raise ValueError(
                'MAEMaskedDecoder predicts masked patches, but the encoder '
                'masked none: is its mask_ratio 0?'
            )
        order = ids_restore.argsort(dim=1)
        ids_visible = order[:, :num_visible]
        ids_masked = order[:, num_visible:].sort(dim=1).values

        x = self.decoder_embed(x)
        cls_pos, pos = self.decoder_pos_embed.split(
            [1, ids_restore.shape[1]], dim=1
        )
        cls_token, visible = x.split([1, num_visible], dim=1)
        visible = visible + gather_tokens(pos, ids_visible)
        x = cat([cls_token + cls_pos, visible], dim=1)
        table = (self.mask_token + pos)[0]
        *blocks, last = self.decoder_blocks
        if blocks:
            x = forward_shared_tokens(blocks[0], x, table, ids_masked)
        else:
            x = cat([x, look_up(table, ids_masked)], dim=1)
        for block in blocks[1:]:
            x = block(x)
        x = forward_last_tokens(last, x, ids_masked.shape[1])
        return self.decoder_pred(self.decoder_norm(x))
