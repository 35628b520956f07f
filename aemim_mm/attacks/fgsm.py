# Copyright (c) aemim_mm contributors. All rights reserved.
"""The fast gradient sign method against a classifier."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from .linf import pixel_box, project, sign_ascent


def fgsm(
    forward: Callable[[Tensor], Tensor],
    x: Tensor,
    target: Tensor,
    epsilon: float,
    mean: Tensor,
    std: Tensor,
) -> Tensor:
    """One step of ``epsilon`` along the sign of the cross-entropy's gradient.

    No random start; the result lies in the L-infinity ball around ``x`` and in
    the valid pixel box. Everything runs in fp32, under autocast too: the small
    gradients of a confident classifier are zero in fp16.

    Args:
        forward (Callable): Maps normalised images (N, C, H, W) to logits
            (N, K). Set the network to eval mode first: batch statistics and
            dropout would attack another network than the one evaluated.
        x (Tensor): Normalised images, (N, C, H, W).
        target (Tensor): True classes, (N, ), int64.
        epsilon (float): Budget in 0-255 pixel values. 0 returns ``x``.
        mean (Tensor): Per-channel mean, (C, 1, 1), 0-255 units.
        std (Tensor): Per-channel standard deviation, (C, 1, 1), 0-255 units.

    Returns:
        Tensor: Adversarial examples, normalised, (N, C, H, W), fp32, without a
        graph.

    Raises:
        ValueError: If ``epsilon`` is outside [0, 255].
    """
    if not 0 <= epsilon <= 255:
        raise ValueError(
            f'epsilon must be in [0, 255] pixel values, but got {epsilon}. '
            'A budget of 2/255 is epsilon=2'
        )
    x = x.detach().float()
    if epsilon == 0:
        return x
    low, high = pixel_box(mean, std)
    radius = epsilon / std

    def cross_entropy(images: Tensor) -> Tensor:
        # The sum: an image's step does not depend on the rest of the batch.
        return F.cross_entropy(forward(images), target, reduction='sum')

    with torch.autocast(x.device.type, enabled=False):
        return sign_ascent(
            cross_entropy,
            x,
            start=project(x, x, radius, low, high),
            radius=radius,
            step=radius,
            num_steps=1,
            low=low,
            high=high,
        )
