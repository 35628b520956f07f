# Copyright (c) aemim_mm contributors. All rights reserved.
"""A Swin Transformer for timm."""

import re
from typing import Any

from torch import Tensor

from .keys import SWIN_TO_TIMM, rename
from .swin import Swin

# (width, depths): name. Heads are 32 channels wide in all of them.
_NAMES = {
    (96, (2, 2, 6, 2)): 'swin_tiny_patch4_window7_224',
    (96, (2, 2, 18, 2)): 'swin_small_patch4_window7_224',
    (128, (2, 2, 18, 2)): 'swin_base_patch4_window7_224',
    (192, (2, 2, 18, 2)): 'swin_large_patch4_window7_224',
}


def merging_order(merging: Tensor) -> Tensor:
    """The input channels of a patch merging, in timm's order.

    A 2 x 2 neighbourhood of C channels becomes 4 C channels. ``nn.Unfold``,
    in mmpretrain and mmdet, counts them as (channel, row, column); timm, like
    Microsoft's code, as (column, row, channel).

    Args:
        merging (Tensor): ``reduction.weight`` (2 C, 4 C), or a parameter of
            ``norm`` (4 C, ).

    Returns:
        Tensor: Of the same shape.
    """
    channels = merging.shape[-1] // 4
    return (
        merging.unflatten(-1, (channels, 2, 2)).transpose(-3, -1).flatten(-3)
    )


def swin_weights(
    encoder: dict[str, Tensor], head: dict[str, Tensor] | None
) -> dict[str, Tensor]:
    """The weights by timm's keys.

    Args:
        encoder (dict[str, Tensor]): By mmpretrain's keys.
        head (dict[str, Tensor], optional): The linear classifier.

    Returns:
        dict[str, Tensor]: For ``timm.models.SwinTransformer``.
    """
    weights = rename(encoder, SWIN_TO_TIMM)
    for key, value in weights.items():
        if re.fullmatch(r'layers\.\d+\.downsample\..*', key):
            weights[key] = merging_order(value)
    for name, value in (head or {}).items():
        weights[f'head.fc.{name}'] = value
    return weights


def swin_model(swin: Swin, num_classes: int) -> tuple[str, dict[str, Any]]:
    """Name and arguments for ``timm.create_model``.

    Args:
        swin (Swin): The architecture.
        num_classes (int): 0 for none.

    Returns:
        tuple[str, dict[str, Any]]: The nearest named model, and what differs
        from it.

    Raises:
        ValueError: If timm cannot build that network.
    """
    last = len(swin.depths) - 1
    if last != 3 or last not in swin.norms:
        raise ValueError(
            'timm needs four stages and the norm after the last; this '
            f'encoder has {last + 1} stages and norms after '
            f'{list(swin.norms)} (out_indices). Export with --to mmpretrain'
        )
    kwargs: dict[str, Any] = {}
    name = _NAMES.get((swin.embed_dims, swin.depths))
    if name is None:
        name = 'swin_tiny_patch4_window7_224'
        kwargs.update(embed_dim=swin.embed_dims, depths=list(swin.depths))
    usual = tuple(swin.embed_dims // 32 * 2**i for i in range(4))
    if kwargs or swin.num_heads != usual:
        kwargs['num_heads'] = list(swin.num_heads)
    if swin.patch_size != 4:
        kwargs['patch_size'] = swin.patch_size
    if swin.img_size != (224, 224):
        kwargs['img_size'] = list(swin.img_size)
    if swin.window_size != 7:
        kwargs['window_size'] = swin.window_size
    if swin.in_channels != 3:
        kwargs['in_chans'] = swin.in_channels
    return name, dict(kwargs, num_classes=num_classes)
