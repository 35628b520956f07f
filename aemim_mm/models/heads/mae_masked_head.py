# Copyright (c) aemim_mm contributors. All rights reserved.
import math

from mmpretrain.models import MAEPretrainHead
from mmpretrain.registry import MODELS
from torch import Tensor

from ...utils.tokens import (
    gather_tokens,
    masked_ids,
)
from ..layers.sincos import grid_of_image


@MODELS.register_module()
class MAEMaskedHead(MAEPretrainHead):
    """MAE's head for a decoder that predicts only the masked patches.

    Its loss is that of :class:`mmpretrain.models.MAEPretrainHead`, which also
    needs the predictions of visible patches and multiplies their errors by 0.
    Use it with :class:`MAEMaskedDecoder`. Images may be rectangular.

    Args:
        *args: As :class:`mmpretrain.models.MAEPretrainHead`.
        img_size (int | tuple[int, int], optional): Height and width of the
            images in pixels, which :meth:`unpatchify` needs for rectangles.
            Defaults to None, a square.
        **kwargs: As :class:`mmpretrain.models.MAEPretrainHead`.

    Raises:
        ValueError: If the patches do not fill the image.
    """

    def __init__(
        self,
        *args,
        img_size: int | tuple[int, int] | None = None,
        **kwargs,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._grid = None
        if img_size is not None:
            self._grid = grid_of_image(img_size, self.patch_size)

    def patchify(self, imgs: Tensor) -> Tensor:
        """Split images into patches.

        Args:
            imgs (Tensor): (B, C, H, W).

        Returns:
            Tensor: (B, L, patch_size**2 * C), row by row, channels last.

        Raises:
            ValueError: If the patches do not fill the image.
        """
        p = self.patch_size
        rows, columns = grid_of_image(tuple(imgs.shape[2:]), p)
        x = imgs.unflatten(3, (columns, p)).unflatten(2, (rows, p))
        return x.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)

    def unpatchify(self, x: Tensor) -> Tensor:
        """Join patches to images.

        Args:
            x (Tensor): (B, L, patch_size**2 * C).

        Returns:
            Tensor: (B, C, H, W).

        Raises:
            ValueError: If L is not the number of patches of ``img_size``, or,
                without ``img_size``, not a square number.
        """
        p, side = self.patch_size, math.isqrt(x.shape[1])
        rows, columns = self._grid or (side, side)
        if rows * columns != x.shape[1]:
            size = f'{rows * p} x {columns * p}' if self._grid else 'a square'
            raise ValueError(
                f'there are {x.shape[1]} patches, which are not those of '
                f'{size}: set model.head.img_size=(height, width)'
            )
        x = x.unflatten(2, (p, p, self.in_channels))
        x = x.unflatten(1, (rows, columns))
        x = x.permute(0, 5, 1, 3, 2, 4)
        return x.flatten(4).flatten(2, 3)

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
                'but MAEMaskedHead needs only those of masked patches: use '
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
