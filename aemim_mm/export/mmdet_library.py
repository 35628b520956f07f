# Copyright (c) aemim_mm contributors. All rights reserved.
"""mmdet: mmpretrain's ViT, and a Swin Transformer of its own."""

from typing import Any

from mmengine.registry import Registry
from torch import Tensor

from .mmpretrain_library import MMPretrain
from .swin import Swin


class MMDet(MMPretrain):
    """The encoder under ``backbone.``, without what a detector has not.

    mmdet's Swin Transformer has mmpretrain's keys and order of channels. It
    resizes the tables of relative positions to other windows, but not the
    index that goes with them, and refuses the load: it makes that index
    itself. The norm after average pooling (``ln2``) is left out, too.

    It takes the prefix of the keys by itself, and ignores that of
    ``init_cfg``.
    """

    maps = True

    def weights(self) -> dict[str, Tensor]:
        """Of the encoder, by the checkpoint's keys."""
        return {
            f'backbone.{key}': value
            for key, value in self.source.encoder.items()
            if not key.startswith('ln2.')
            and not key.endswith('relative_position_index')
        }

    @property
    def image_size(self) -> tuple[int, int]:
        """Twice that of a Swin Transformer."""
        height, width = self.architecture.img_size
        if isinstance(self.architecture, Swin):
            # Its windows are shifted also where the map is a single window.
            return 2 * height, 2 * width
        return height, width

    def registry(self) -> Registry:
        """That of mmdet; a ValueError if it is not installed."""
        try:
            from mmdet.registry import MODELS as registry
            from mmdet.utils import register_all_modules
        except ImportError as error:
            raise ValueError(
                f'--check for mmdet needs mmdet with compiled ops of mmcv '
                f'({error}): see docs/install.md. Or export without --check'
            ) from error
        register_all_modules(init_default_scope=False)
        return registry

    def encoder_config(self) -> dict[str, Any]:
        """One map per block (ViT) or per stage with a norm (Swin)."""
        swin = self.architecture
        if not isinstance(swin, Swin):
            return super().encoder_config()
        return dict(
            type='mmdet.SwinTransformer',
            pretrain_img_size=swin.img_size,
            embed_dims=swin.embed_dims,
            patch_size=swin.patch_size,
            strides=(swin.patch_size, *(2,) * (len(swin.depths) - 1)),
            in_channels=swin.in_channels,
            window_size=swin.window_size,
            depths=swin.depths,
            num_heads=swin.num_heads,
            out_indices=swin.norms,
            drop_path_rate=0.0,
        )
