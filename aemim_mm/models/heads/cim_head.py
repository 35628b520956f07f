# Copyright (c) aemim_mm contributors. All rights reserved.
from mmpretrain.models import MAEPretrainHead
from mmpretrain.registry import MODELS
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d


@MODELS.register_module()
class CIMHead(MAEPretrainHead):
    """The head of CIM-RESPIX: a linear layer from tokens to pixels.

    Args:
        embed_dims (int): Channels of the enhancer's tokens.
        window (int): Side of the window in which the target is normalised, in
            pixels, odd. Defaults to 17.
        patch_size (int): Side of a patch, in pixels. Defaults to 16.
        in_channels (int): Channels of the images. Defaults to 3.
        loss (dict, optional): Config of the loss. Defaults to
            ``dict(type='PixelReconstructionLoss', criterion='L2')``.

    Raises:
        ValueError: If ``window`` is not odd.
    """

    def __init__(
        self,
        embed_dims: int,
        window: int = 17,
        patch_size: int = 16,
        in_channels: int = 3,
        loss: dict | None = None,
    ) -> None:
        if window < 1 or window % 2 == 0:
            raise ValueError(
                f'window={window} must be odd: a pixel is in its middle'
            )
        super().__init__(
            loss or dict(type='PixelReconstructionLoss', criterion='L2'),
            patch_size=patch_size,
            in_channels=in_channels,
        )
        self.window = window
        self.pred = nn.Linear(embed_dims, patch_size**2 * in_channels)

    def construct_target(self, target: Tensor) -> Tensor:
        """Normalise each pixel by the pixels around it, and cut into patches.

        A pixel becomes (x - mean) / sqrt(var + 1e-6), with mean and variance
        of its channel in the window around it. Only pixels inside the image
        are used.

        Args:
            target (Tensor): Normalised images, (B, C, H, W).

        Returns:
            Tensor: (B, L, patch_size**2 * C).
        """
        mean = self._window_mean(target)
        var = self._window_mean(target.square()) - mean.square()
        return self.patchify(
            (target - mean) / (var.clamp(min=0) + 1e-6).sqrt()
        )

    def _window_mean(self, x: Tensor) -> Tensor:
        """Mean over the window, along one side after the other."""
        for side in ((self.window, 1), (1, self.window)):
            x = avg_pool2d(
                x,
                side,
                stride=1,
                padding=(side[0] // 2, side[1] // 2),
                count_include_pad=False,
            )
        return x

    def loss(  # type: ignore[override]
        self, feats: Tensor, target: Tensor
    ) -> Tensor:
        """The loss of all patches.

        Args:
            feats (Tensor): Class token and patch tokens, (B, 1 + L, C).
            target (Tensor): Original normalised images, (B, C, H, W).

        Returns:
            Tensor: The loss, a scalar.
        """
        pred = self.pred(feats[:, 1:])
        return self.loss_module(pred, self.construct_target(target))
