# Copyright (c) aemim_mm contributors. All rights reserved.
"""The attack of AEMIM: push the encoder's features away (Section 3.2)."""

import warnings
from collections.abc import Callable, Sequence

from torch import Tensor

from .feature_attack import FeatureAttack, check_real
from .linf import (
    pixel_box,
    sign_ascent,
    uniform_start,
)


class FeatureDistancePGD(FeatureAttack):
    r"""PGD on the distance between adversarial and clean features.

    Maximises Eq. 7 of AEMIM under an L-infinity budget,

    .. math::
        x_a \leftarrow \Pi\{x_a + \mu \cdot
        \mathrm{sign}(\nabla_{x_a} L_d(E(x_a), E(x)))\},

    where the projection is onto the ball of radius epsilon around x, and then
    onto the range of valid pixels. With ``num_steps=1`` it is FGSM from a
    random start (Fast AEMIM). It needs only torch and works with any
    ``encode``.

    Args:
        epsilon (float): Budget in 0-255 pixel values. Defaults to 2.
        num_steps (int): Number of steps T. Defaults to 2.
        step_size (float, optional): Step mu in 0-255 pixel values. None means
            ``epsilon / num_steps``. Half of the pixels then reach the border
            of the ball if the gradient keeps its sign. To reach the whole
            ball from a random start, use ``2 * epsilon / num_steps``.
            Defaults to None.
        distance (str): ``'l2'`` (sum of squares per image), ``'kl'`` (softmax
            over channels) or ``'reconstruction'`` (the loss handed to the
            call in place of a distance). Defaults to ``'l2'``.
        random_start (bool): Start uniformly in the ball instead of at x.
            Defaults to True.

    Raises:
        TypeError: If an argument is of the wrong type.
        ValueError: If an argument is out of its range.
    """

    def __init__(
        self,
        epsilon: float = 2,
        num_steps: int = 2,
        step_size: float | None = None,
        distance: str = 'l2',
        random_start: bool = True,
    ) -> None:
        check_real('epsilon', epsilon)
        if not 0 <= epsilon <= 255:
            raise ValueError(
                'epsilon is in 0-255 pixel values and must be in [0, 255], '
                f'but got {epsilon}'
            )
        if 0 < epsilon < 1:
            warnings.warn(
                f'epsilon={epsilon} is less than one of 255 pixel values. If '
                f'you meant {epsilon} on the [0, 1] scale, write '
                f'epsilon={epsilon * 255:g}',
                stacklevel=2,
            )
        if step_size is not None:
            check_real('step_size', step_size)
            if not 0 < step_size <= 255:
                raise ValueError(
                    'step_size is in 0-255 pixel values and must be in '
                    f'(0, 255] or None, but got {step_size}'
                )
        super().__init__(num_steps, distance, random_start)
        self.epsilon = epsilon
        self.step_size = (
            epsilon / num_steps if step_size is None else step_size
        )

    def __call__(
        self,
        encode: Callable[[Tensor], Sequence[Tensor]],
        x: Tensor,
        reference: Sequence[Tensor],
        mean: Tensor,
        std: Tensor,
        loss: Callable[[Sequence[Tensor]], Tensor] | None = None,
    ) -> Tensor:
        """Find the adversarial examples of ``x``.

        Args:
            encode (Callable): Maps images (R, C, H, W) to a sequence of
                feature maps (R, ...). Use detached parameters in it, so that
                only the gradient of the pixels is computed.
            x (Tensor): Normalised images inside the pixel box, (R, C, H, W).
            reference (Sequence[Tensor]): The clean features, detached, in the
                shapes that ``encode`` returns.
            mean (Tensor): Normalisation mean, (C, 1, 1), 0-255 units.
            std (Tensor): Normalisation standard deviation, (C, 1, 1), 0-255
                units.
            loss (Callable, optional): Maps features to a scalar; needed, and
                used, only with ``distance='reconstruction'``. Defaults to
                None.

        Returns:
            Tensor: x_a, normalised, (R, C, H, W), without a graph.

        Raises:
            ValueError: If ``distance='reconstruction'`` and no ``loss``.
        """
        objective = self.objective(encode, reference, loss)
        low, high = pixel_box(mean, std)
        radius, step = self.epsilon / std, self.step_size / std
        start = x
        if self.random_start:
            start = uniform_start(x, radius, low, high)
        return sign_ascent(
            objective, x, start, radius, step, self.num_steps, low, high
        )

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(epsilon={self.epsilon}, '
            f'num_steps={self.num_steps}, step_size={self.step_size}, '
            f'distance={self.distance!r}, random_start={self.random_start})'
        )
