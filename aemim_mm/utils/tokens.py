# Copyright (c) aemim_mm contributors. All rights reserved.
"""Choosing tokens by index.

Shape suffixes: B images, L tokens, K kept and M masked ones, C channels.
"""

import torch
from torch import Tensor


def gather_tokens(x_BLC: Tensor, ids_BK: Tensor) -> Tensor:
    """Pick tokens; the index is a view, never a (B, K, C) tensor in memory.

    From tokens (B, L, C), or (1, L, C) for all images alike, by integers (B,
    K) into L: (B, K, C).
    """
    x_BLC = x_BLC.expand(ids_BK.shape[0], -1, -1)
    index = ids_BK.unsqueeze(-1).expand(-1, -1, x_BLC.shape[-1])
    return torch.gather(x_BLC, 1, index)


def kept_ids(ids_restore_BL: Tensor, num_kept: int) -> Tensor:
    """The indices (B, K) of the visible tokens, in the order of the encoder.

    ``ids_restore_BL`` is the inverse of the shuffling of all tokens, as MAE
    returns it.
    """
    return torch.argsort(ids_restore_BL, dim=1)[:, :num_kept]


def masked_ids(mask_BL: Tensor, num_masked: int) -> Tensor:
    """The indices (B, M) of the masked tokens, ascending.

    The mask has 1 for a masked token, 0 for a visible one, and M ones in each
    image.
    """
    order = torch.argsort(mask_BL, dim=1, descending=True, stable=True)
    return order[:, :num_masked]


def masking_of(ids_keep_BK: Tensor, num_tokens: int) -> tuple[Tensor, Tensor]:
    """The mask and the inverse shuffling that belong to the kept tokens.

    ``mask`` (B, L), float, 0 is keep and 1 is remove, and ``ids_restore`` (B,
    L): kept tokens in the given order, then the removed ones in ascending
    order.
    """
    num_images, num_kept = ids_keep_BK.shape
    device = ids_keep_BK.device
    order = torch.arange(num_kept, num_kept + num_tokens, device=device)
    order = order.repeat(num_images, 1)
    first = torch.arange(num_kept, device=device).expand(num_images, -1)
    order = order.scatter(1, ids_keep_BK, first)
    ids_restore = torch.argsort(torch.argsort(order, dim=1), dim=1)
    return (ids_restore >= num_kept).float(), ids_restore
