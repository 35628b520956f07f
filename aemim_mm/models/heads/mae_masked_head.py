# Copyright (c) aemim_mm contributors. All rights reserved.
from mmpretrain.models import MAEPretrainHead
from mmpretrain.registry import MODELS
from torch import Tensor

from ...utils.tokens import (
    gather_tokens,
    masked_ids,
)


@MODELS.register_module()
class MAEMaskedHead(MAEPretrainHead):
    """MAE's head for a decoder that predicts the masked patches alone.

    Its loss is that of :class:`mmpretrain.models.MAEPretrainHead`, which
    takes the predictions of visible patches and multiplies them by 0. Use it
    with :class:`MAEMaskedDecoder`. The arguments are the stock head's.
    """

    def loss(self, pred: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """The reconstruction loss of the masked patches.

        Args:
            pred (Tensor): Predictions of the M masked patches of each image,
                in ascending order of their places, (B, M, N).
            target (Tensor): Normalised images, (B, C, H, W).
            mask (Tensor): 1 for a masked patch, 0 for a visible one, (B, L).

        Returns:
            Tensor: The loss, a scalar.

        Raises:
            ValueError: If there are predictions of all patches.
        """
        if pred.shape[1] == mask.shape[1]:
            raise ValueError(
                f'there are {pred.shape[1]} predictions for as many patches, '
                'but MAEMaskedHead takes those of masked patches alone: use '
                "neck=dict(type='MAEMaskedDecoder', ...), or MAEPretrainHead"
            )
        ids_masked = masked_ids(mask, pred.shape[1])
        target = gather_tokens(self.construct_target(target), ids_masked)
        return self.loss_module(pred, target, mask.gather(1, ids_masked))

    def place(self, pred: Tensor, mask: Tensor) -> Tensor:
        """Put the predictions at the places of their patches.

        Args:
            pred (Tensor): As in :meth:`loss`, (B, M, N).
            mask (Tensor): As in :meth:`loss`, (B, L).

        Returns:
            Tensor: (B, L, N), 0 for visible patches.
        """
        placed = pred.new_zeros(*mask.shape, pred.shape[2])
        ids_masked = masked_ids(mask, pred.shape[1])
        index = ids_masked.unsqueeze(-1).expand_as(pred)
        return placed.scatter(1, index, pred)
