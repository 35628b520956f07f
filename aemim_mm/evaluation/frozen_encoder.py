# Copyright (c) aemim_mm contributors. All rights reserved.
"""One feature vector of an image from a backbone of mmpretrain."""

import inspect

from mmpretrain.models import BEiTViT, SwinTransformer, VisionTransformer
from torch import Tensor, nn

from aemim_mm_cli.choices import POOLINGS

# `forward` of a class for pre-training may mask: theirs does not.
_PLAIN = (VisionTransformer, BEiTViT, SwinTransformer)


class FrozenEncoder(nn.Module):
    """Pools what a backbone returns for whole images, without a mask.

    For a :class:`~aemim_mm.models.backbones.DualNormViT` this is the clean
    branch: adversarial adapters are not used.

    Args:
        backbone (nn.Module): Maps normalised images (N, C, H, W) to a tuple
            whose last entry is a map (N, D, h, w), tokens (N, L, D) or a
            vector (N, D). If its ``forward`` takes more than images, that of
            the plain class is used for subclasses of mmpretrain's ViT, BEiT
            and Swin; others get ``mask=None`` if they have that parameter.
        pooling (str, optional): 'token' for the class token, 'avg' for the
            mean of the patches. None means the class token if there is one,
            as in linear probing and DINO. Defaults to None.

    Raises:
        ValueError: If the pooling is unknown.
    """

    def __init__(
        self, backbone: nn.Module, pooling: str | None = None
    ) -> None:
        super().__init__()
        if pooling not in (None, *POOLINGS):
            raise ValueError(
                f'pooling is {pooling!r}, but must be one of '
                f'{", ".join(POOLINGS)}'
            )
        self.backbone = backbone
        self.pooling = pooling
        parameters = inspect.signature(backbone.forward).parameters
        self._unmasked = dict(mask=None) if 'mask' in parameters else {}
        plain = (cls for cls in _PLAIN if isinstance(backbone, cls))
        self._plain = next(plain, None) if len(parameters) > 1 else None

    @property
    def resolved_pooling(self) -> str:
        """``pooling``, or what stands for None: 'token' or 'avg'."""
        tokens = getattr(self.backbone, 'num_extra_tokens', 0)
        pools = getattr(self.backbone, 'out_type', 'raw') == 'avg_featmap'
        return self.pooling or ('token' if tokens and not pools else 'avg')

    def forward(self, x: Tensor) -> Tensor:
        """Encode.

        Args:
            x (Tensor): Normalised images, (N, C, H, W).

        Returns:
            Tensor: Features, (N, D).

        Raises:
            ValueError: If the backbone returns something else, or has no
                class token and that is to be taken.
        """
        if self._plain is None:
            outputs = self.backbone(x, **self._unmasked)
        else:
            outputs = self._plain.forward(self.backbone, x)
        last = outputs[-1] if isinstance(outputs, tuple | list) else outputs
        name = type(self.backbone).__name__
        if not isinstance(last, Tensor) or last.ndim not in (2, 3, 4):
            raise ValueError(
                f'{name} returns no features of whole images, but '
                f'{type(last).__name__}'
            )
        extra = 0
        if last.ndim == 3:
            extra = getattr(self.backbone, 'num_extra_tokens', -1)
            if extra < 0:
                raise ValueError(
                    f'{name} returns tokens, but does not say how many of '
                    'them are no patches (num_extra_tokens)'
                )
        if self.pooling == 'token' and not extra and last.ndim > 2:
            raise ValueError(f'{name} has no class token: take pooling avg')
        if last.ndim == 2:
            return last
        if last.ndim == 4:
            return last.mean((2, 3))
        if extra and self.pooling != 'avg':
            return last[:, 0]
        return last[:, extra:].mean(1)
