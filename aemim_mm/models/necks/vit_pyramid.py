# Copyright (c) aemim_mm contributors. All rights reserved.
from collections.abc import Sequence

from mmcv.cnn import build_norm_layer
from mmengine import registry as mmengine_registry
from mmengine.model import BaseModule
from mmpretrain.registry import MODELS
from torch import Tensor, nn

NUM_LEVELS = 4


# In mmengine's own registry too, to which that of mmdet falls back: the name
# needs no prefix there.
@mmengine_registry.MODELS.register_module()
@MODELS.register_module()
class ViTPyramid(BaseModule):
    """Four scales from four maps of one scale, for a detector over a ViT.

    A plain ViT with patches of 16 pixels returns maps after four of its
    blocks. They are converted to maps of the strides 4, 8, 16 and 32 by: two
    transposed convolutions with a norm and GELU between them, one transposed
    convolution, no operation, and max pooling, as in BEiT's and CAE's
    detectors. The number of channels does not change. mmdet's ``FPN`` follows
    it::

        neck=[
            dict(type='ViTPyramid', in_channels=768),
            dict(type='FPN', in_channels=[768] * 4, out_channels=256,
                 num_outs=5),
        ]

    Args:
        in_channels (int): Channels of each map, the width of the ViT.
        norm_cfg (dict): The norm of the finest level. Defaults to
            ``dict(type='SyncBN')``.
        init_cfg (dict | list[dict], optional): Initialization config.
            Defaults to None, torch's own initialization.
    """

    def __init__(
        self,
        in_channels: int,
        norm_cfg: dict = dict(type='SyncBN'),
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)

        def double() -> nn.ConvTranspose2d:
            return nn.ConvTranspose2d(
                in_channels, in_channels, kernel_size=2, stride=2
            )

        self.up4 = nn.Sequential(
            double(),
            build_norm_layer(norm_cfg, in_channels)[1],
            nn.GELU(),
            double(),
        )
        self.up2 = double()
        self.same = nn.Identity()
        self.down2 = nn.MaxPool2d(kernel_size=2, stride=2)

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Scale the maps.

        Args:
            inputs (Sequence[Tensor]): Four maps (B, C, H, W), from the
                shallowest block to the deepest.

        Returns:
            tuple[Tensor, ...]: Maps of (B, C, 4H, 4W), (B, C, 2H, 2W),
            (B, C, H, W) and (B, C, H // 2, W // 2).

        Raises:
            ValueError: If there are not four maps.
        """
        if len(inputs) != NUM_LEVELS:
            raise ValueError(
                f'ViTPyramid takes {NUM_LEVELS} feature maps, but the '
                f"backbone gives {len(inputs)}. Set the backbone's "
                'out_indices to four blocks, [3, 5, 7, 11] for 12 blocks'
            )
        scales = (self.up4, self.up2, self.same, self.down2)
        return tuple(
            scale(feature)
            for scale, feature in zip(scales, inputs, strict=True)
        )
