# Copyright (c) aemim_mm contributors. All rights reserved.
"""Distances L_d between the features of two images (Eq. 7 of AEMIM).

Features are a sequence of maps whose first dimension is the image: tokens
(R, L, C), feature maps (R, C, H, W), or several of them from different
stages. Every distance is a *sum* in float32, per image: a mean over a million
elements has gradients that vanish in half precision, and the sign of the
gradient does not depend on the scale.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor


def squared_l2(
    features: Sequence[Tensor], reference: Sequence[Tensor]
) -> Tensor:
    """Sum of squared differences.

    Args:
        features (Sequence[Tensor]): Feature maps of R images, (R, ...) each.
        reference (Sequence[Tensor]): Maps of the same shapes.

    Returns:
        Tensor: Distance per image, (R, ), float32. With several maps each
        counts alike: map i is weighted by N_last / N_i, where N is the number
        of elements per image.
    """
    return _weighted_sum(
        (a.float() - b.float()).square()
        for a, b in _pairs(features, reference)
    )


def kl_divergence(
    features: Sequence[Tensor], reference: Sequence[Tensor]
) -> Tensor:
    """KL(reference || features) of softmax over the channels of each token.

    Args:
        features (Sequence[Tensor]): Feature maps of R images. Channels are
            dimension 1 of a 4-D map (R, C, H, W), else the last one.
        reference (Sequence[Tensor]): Maps of the same shapes.

    Returns:
        Tensor: Divergence per image, summed over tokens, (R, ), float32; maps
        are weighted as in :func:`squared_l2`.
    """
    return _weighted_sum(
        _kl_elements(a.float(), b.float())
        for a, b in _pairs(features, reference)
    )


def _kl_elements(features: Tensor, reference: Tensor) -> Tensor:
    channels = 1 if features.ndim == 4 else -1
    log_q = torch.log_softmax(features, dim=channels)
    log_p = torch.log_softmax(reference, dim=channels)
    return log_p.exp() * (log_p - log_q)


def _pairs(
    features: Sequence[Tensor], reference: Sequence[Tensor]
) -> Iterable[tuple[Tensor, Tensor]]:
    if isinstance(features, Tensor):
        raise TypeError(
            'features are a sequence of feature maps: let encode() return '
            f'[features], not a tensor {tuple(features.shape)}'
        )
    if len(features) != len(reference):
        raise ValueError(
            f'{len(features)} feature maps against {len(reference)} '
            'reference maps'
        )
    return zip(features, reference, strict=True)


def _weighted_sum(elements: Iterable[Tensor]) -> Tensor:
    maps = [e.flatten(1) for e in elements]
    result: Tensor = sum(  # type: ignore[assignment]
        (maps[-1].shape[1] / m.shape[1]) * m.sum(1) for m in maps
    )
    return result
