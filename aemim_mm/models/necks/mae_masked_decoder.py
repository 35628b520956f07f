# Copyright (c) aemim_mm contributors. All rights reserved.
from mmengine.model import BaseModule
from mmpretrain.models import MAEPretrainDecoder
from mmpretrain.registry import MODELS
from torch import Tensor, cat, nn

from ...utils import pretrained_cfgs
from ...utils.tokens import gather_tokens
from ..layers import FlatBlock
from ..layers.sincos import grid_of_image, grid_of_table, sincos_table
from .partial_blocks import (
    forward_last_tokens,
    forward_shared_tokens,
    look_up,
)


@MODELS.register_module()
class MAEMaskedDecoder(MAEPretrainDecoder):
    """MAE's decoder that computes only what the loss needs.

    The loss uses only masked patches. The last block therefore computes
    queries, MLP, norm and prediction only for the masked tokens; keys and
    values are those of all tokens. In the first block a masked token is the
    mask token plus its position embedding, which is the same in every image.
    Its norm, queries, keys and values are computed once for each position,
    not for each image. Tokens stay in the order class token, visible, masked:
    attention does not depend on the order, each token has its own position
    embedding, and the tokens need not be sorted.

    The predictions are, up to rounding, those of
    :class:`mmpretrain.models.MAEPretrainDecoder`. Arguments, parameters and
    state-dict keys are the same, so a checkpoint of one can be loaded into
    the other. It needs :class:`MAEMaskedHead`, which assigns the predictions
    to their patches, and an encoder with a class token.

    The position embedding is sin-cos and is not trained. That of a checkpoint
    of another grid is replaced by the one of this grid.

    Args:
        num_patches (int): Number of patches of a square image. Defaults to
            196.
        patch_size (int): Side of a patch in pixels. Defaults to 16.
        *args: As :class:`MAEPretrainDecoder`, from ``in_chans`` on.
        img_size (int | tuple[int, int], optional): Height and width of the
            images in pixels, for rectangles. If it is given, ``num_patches``
            is ignored. Defaults to None.
        **kwargs: As :class:`MAEPretrainDecoder`.

    Raises:
        ValueError: If the patches do not fill the image.
    """

    def __init__(
        self,
        num_patches: int = 196,
        patch_size: int = 16,
        *args,
        img_size: int | tuple[int, int] | None = None,
        **kwargs,
    ) -> None:
        if img_size is not None:
            rows, columns = grid_of_image(img_size, patch_size)
            num_patches = rows * columns
        super().__init__(num_patches, patch_size, *args, **kwargs)
        side = int(num_patches**0.5)
        self._grid = (side, side) if img_size is None else (rows, columns)
        FlatBlock.take_over(self)
        self._register_load_state_dict_pre_hook(self._keep_own_table)

    def init_weights(self) -> None:
        """Initialise as MAE does, or keep what ``Pretrained`` has loaded."""
        BaseModule.init_weights(self)
        if not any(pretrained_cfgs(self)):
            self.decoder_pos_embed.data.copy_(self._table())
            nn.init.normal_(self.mask_token, std=0.02)

    def _table(self) -> Tensor:
        return sincos_table(self._grid, self.decoder_pos_embed.shape[-1])

    def _keep_own_table(self, state_dict, prefix, *args) -> None:
        """Load-state-dict pre-hook: a table of another grid is replaced."""
        name = f'{prefix}decoder_pos_embed'
        table = state_dict.get(name)
        if table is None or table.shape[2:] != self.mask_token.shape[2:]:
            return
        if grid_of_table(table) not in (None, self._grid):
            state_dict[name] = self._table().to(table)

    def forward(self, x: Tensor, ids_restore: Tensor) -> Tensor:
        """Decode the masked patches.

        Args:
            x (Tensor): Class token and K visible tokens in the order in which
                the encoder kept them, (B, 1 + K, embed_dim).
            ids_restore (Tensor): Position of each of the L patches in the
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
