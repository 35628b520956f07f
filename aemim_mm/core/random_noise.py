# Copyright (c) aemim_mm contributors. All rights reserved.
"""Noise of the attack's size, without its direction."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from .feature_distance_pgd import FeatureDistancePGD
from .linf import pixel_box, project, uniform_start


class RandomNoise(FeatureDistancePGD):
    r"""The control for :class:`FeatureDistancePGD`: signs drawn at random.

    .. math::
        x_a = \Pi\{x + u + T \mu \cdot s\}, \quad
        u \sim \mathcal{U}(-\epsilon, \epsilon), \quad
        s \sim \mathcal{U}\{-1, 1\}

    Start, steps and projection are those of the attack, and a pixel's change
    has the size that it has there when the gradient keeps its sign; but no
    gradient is computed. What the attack gains over it is due to the
    adversary, not to the noise. The paper has no such row.

    Args:
        epsilon (float): As of :class:`FeatureDistancePGD`. Defaults to 2.
        num_steps (int): Number of steps T. Defaults to 2.
        step_size (float, optional): Step mu in 0-255 pixel values. None means
            ``epsilon / num_steps``. Defaults to None.

    Raises:
        TypeError: If an argument is of the wrong type.
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        epsilon: float = 2,
        num_steps: int = 2,
        step_size: float | None = None,
    ) -> None:
        super().__init__(epsilon, num_steps, step_size)

    def __call__(
        self,
        encode: Callable[[Tensor], Sequence[Tensor]],
        x: Tensor,
        reference: Sequence[Tensor],
        mean: Tensor,
        std: Tensor,
        loss: Callable[[Sequence[Tensor]], Tensor] | None = None,
    ) -> Tensor:
        """Add noise to ``x``.

        Args:
            encode (Callable): Not called.
            x (Tensor): Normalised images inside the pixel box, (R, C, H, W).
            reference (Sequence[Tensor]): Not used.
            mean (Tensor): Normalisation mean, (C, 1, 1), 0-255 units.
            std (Tensor): Normalisation standard deviation, (C, 1, 1), 0-255
                units.
            loss (Callable, optional): Not used. Defaults to None.

        Returns:
            Tensor: x_a, normalised, (R, C, H, W), without a graph.
        """
        x = x.detach()
        low, high = pixel_box(mean, std)
        radius = self.epsilon / std
        start = uniform_start(x, radius, low, high)
        signs = 1 - 2 * torch.randint_like(x, 2)
        length = self.num_steps * self.step_size / std
        return project(start + length * signs, x, radius, low, high)

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(epsilon={self.epsilon}, '
            f'num_steps={self.num_steps}, step_size={self.step_size})'
        )
