# Copyright (c) aemim_mm contributors. All rights reserved.
from mmpretrain.models import MAEPretrainDecoder
from mmpretrain.registry import MODELS
from torch import Tensor, cat


@MODELS.register_module()
class MAEPretrainDecoderNoCls(MAEPretrainDecoder):
    """MAE's decoder for encoders without class token, such as HiViT.

    :class:`MAEPretrainDecoder` treats the first token as the class token. If
    the encoder has none, this is the first visible patch: every visible
    position then decodes the patch of the next one, and the last one a mask
    token. Here each token is decoded at its own position.

    For encoders with a class token use :class:`MAEPretrainDecoder`. The
    arguments, parameters and state-dict keys of the two are the same, so a
    checkpoint of one can be loaded into the other. The first entry of
    ``decoder_pos_embed``, that of the class token, is not used here.
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
