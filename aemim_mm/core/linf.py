# Copyright (c) aemim_mm contributors. All rights reserved.
"""The L-infinity ball, the pixel box, and signed gradient ascent inside both.

In pre-training they work on *normalised* images: ``x = (pixel - mean) / std``
with ``pixel``, ``mean`` and ``std`` in 0-255 units. A budget of ``epsilon``
pixel values is therefore ``epsilon / std`` per channel. Classifiers are
attacked in the pixel space [0, 1], where the box is 0 and 1.
"""

from collections.abc import Callable

import torch
from torch import Tensor


def pixel_box(mean: Tensor, std: Tensor) -> tuple[Tensor, Tensor]:
    """The normalised values of pixel 0 and pixel 255.

    Args:
        mean (Tensor): Per-channel mean, (C, 1, 1), 0-255 units.
        std (Tensor): Per-channel standard deviation, (C, 1, 1), 0-255 units.

    Returns:
        Tuple[Tensor, Tensor]: ``low`` and ``high``, each (C, 1, 1).
    """
    return (0 - mean) / std, (255 - mean) / std


def project(
    x_adv: Tensor, x: Tensor, radius: Tensor, low: Tensor, high: Tensor
) -> Tensor:
    """Project onto the ball around ``x``, then into the pixel box.

    Args:
        x_adv (Tensor): Images to project, (N, C, H, W).
        x (Tensor): Centre of the ball, (N, C, H, W), inside the box.
        radius (Tensor): Radius in normalised units, broadcastable to ``x``.
        low (Tensor): Lower end of the box, broadcastable to ``x``.
        high (Tensor): Upper end of the box, broadcastable to ``x``.

    Returns:
        Tensor: The projection, (N, C, H, W).
    """
    x_adv = torch.maximum(torch.minimum(x_adv, x + radius), x - radius)
    return torch.maximum(torch.minimum(x_adv, high), low)


def uniform_start(
    x: Tensor,
    radius: Tensor,
    low: Tensor,
    high: Tensor,
    noise: Tensor | None = None,
) -> Tensor:
    """A point drawn uniformly from the ball, then put into the pixel box.

    Args and result as in :func:`project`. ``noise`` is the point's place in
    the ball, in [-1, 1] and of the shape of ``x``, drawn here if None.
    """
    if noise is None:
        noise = 2 * torch.rand_like(x) - 1
    return project(x + noise * radius, x, radius, low, high)


def sign_ascent(
    objective: Callable[[Tensor], Tensor],
    x: Tensor,
    start: Tensor,
    radius: Tensor,
    step: Tensor,
    num_steps: int,
    low: Tensor,
    high: Tensor,
) -> Tensor:
    """Maximise ``objective`` by projected steps along the gradient's sign.

    Implements ``x_a <- project(x_a + step * sign(grad))`` (PGD; one step from
    ``start = x`` is FGSM). Only the gradient of the pixels is computed:
    parameters that ``objective`` reads keep their ``.grad``, although hooks on
    them stay silent only if the objective uses them detached.

    Args:
        objective (Callable): Maps images (N, C, H, W) to a scalar.
        x (Tensor): Centre of the ball, (N, C, H, W), normalised.
        start (Tensor): First iterate, (N, C, H, W), inside ball and box.
        radius (Tensor): Radius of the ball, broadcastable to ``x``.
        step (Tensor): Length of one step, broadcastable to ``x``.
        num_steps (int): Number of steps.
        low (Tensor): Lower end of the pixel box, broadcastable to ``x``.
        high (Tensor): Upper end of the pixel box, broadcastable to ``x``.

    Returns:
        Tensor: The last iterate, (N, C, H, W), without a graph.
    """
    x, x_adv = x.detach(), start.detach()
    for _ in range(num_steps):
        with torch.enable_grad():
            x_adv.requires_grad_(True)
            (grad,) = torch.autograd.grad(objective(x_adv), x_adv)
        x_adv = project(
            x_adv.detach() + step * grad.sign(), x, radius, low, high
        )
    return x_adv.detach()
