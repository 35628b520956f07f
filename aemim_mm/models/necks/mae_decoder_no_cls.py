# Copyright (c) aemim_mm contributors. All rights reserved.
from mmpretrain.models import MAEPretrainDecoder
from mmpretrain.registry import MODELS
from torch import Tensor, cat


@MODELS.register_module()
class MAEPretrainDecoderNoCls(MAEPretrainDecoder):
    """MAE's decoder for encoders without class token, such as HiViT.

    :class:`MAEPretrainDecoder` takes the first token for a class token. An
    encoder that has none gives it the first visible patch there: every
    visible position then decodes the patch of the next one, and the last one
    a mask token. Here each token goes to its own position.

    For encoders with a class token keep :class:`MAEPretrainDecoder`. The
    arguments, parameters and state-dict keys of the two are the same, so a
    checkpoint of one loads into the other; of ``decoder_pos_embed`` the first
    entry, that of the class token, is not used here.
    """

    def forward(self, x: Tensor, ids_restore: Tensor) -> Tensor:
        """Decode the visible tokens and a mask token for every other patch.

        Args:
            x (Tensor): Visible tokens, without class token, in the order in
                which the encoder kept them, (B, L_visible, embed_dim).
            ids_restore (Tensor): Where each of the L patches stands in the
                sequence of visible and masked ones, (B, L).

        Returns:
            Tensor: Predictions for all patches, (B, L, predict_feature_dim);
            the last dimension defaults to patch_size**2 * in_chans.
        """
        x = self.decoder_embed(x)
        batch, patches = ids_restore.shape
        masked = self.mask_token.expand(batch, patches - x.shape[1], -1)
        # A view, where a materialised index is saved for backward as well.
        index = ids_restore.unsqueeze(-1).expand(-1, -1, x.shape[2])
        x = cat([x, masked], dim=1).gather(1, index)
        x = x + self.decoder_pos_embed[:, 1:]
        for block in self.decoder_blocks:
            x = block(x)
        return self.decoder_pred(self.decoder_norm(x))
