# Copyright (c) aemim_mm contributors. All rights reserved.
"""The attack of AEMIM: push the encoder's features away (Section 3.2)."""

import warnings
from collections.abc import Callable, Sequence
from numbers import Real

from torch import Tensor

from .distances import (
    kl_divergence,
    squared_l2,
)
from .linf import (
    pixel_box,
    sign_ascent,
    uniform_start,
)

# Per image, for a loss that is a mean over the batch.
LOSS_SCALE = 2.0**12


class FeatureDistancePGD:
    r"""PGD on the distance between adversarial and clean features.

    Maximises Eq. 7 of AEMIM under an L-infinity budget,

    .. math::
        x_a \leftarrow \Pi\{x_a + \mu \cdot
        \mathrm{sign}(\nabla_{x_a} L_d(E(x_a), E(x)))\},

    where the projection is the ball of radius epsilon around x, then the
    valid pixel box. With ``num_steps=1`` it is FGSM from a random start (Fast
    AEMIM). Plain torch: it needs no Runner and works on any ``encode``.

    Args:
        epsilon (float): Budget in 0-255 pixel values. Defaults to 2.
        num_steps (int): Number of steps T. Defaults to 2.
        step_size (float, optional): Step mu in 0-255 pixel values. None means
            ``epsilon / num_steps``, with which half of the pixels reach the
            ball's face if the gradient keeps its sign; from a random start
            the whole ball takes ``2 * epsilon / num_steps``. Defaults to
            None.
        distance (str): ``'l2'`` (sum of squares per image), ``'kl'`` (softmax
            over channels) or ``'reconstruction'`` (the loss handed to the
            call in place of a distance). Defaults to ``'l2'``.
        random_start (bool): Start uniformly in the ball instead of at x.
            Defaults to True.

    Raises:
        TypeError: If an argument is of the wrong type.
        ValueError: If an argument is out of its range.
    """

    DISTANCES = ('l2', 'kl', 'reconstruction')

    def __init__(
        self,
        epsilon: float = 2,
        num_steps: int = 2,
        step_size: float | None = None,
        distance: str = 'l2',
        random_start: bool = True,
    ) -> None:
        _check_real('epsilon', epsilon)
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
        if isinstance(num_steps, bool) or not isinstance(num_steps, int):
            raise TypeError(f'num_steps must be an int, but got {num_steps!r}')
        if num_steps < 1:
            raise ValueError(f'num_steps must be >= 1, but got {num_steps}')
        if step_size is not None:
            _check_real('step_size', step_size)
            if not 0 < step_size <= 255:
                raise ValueError(
                    'step_size is in 0-255 pixel values and must be in '
                    f'(0, 255] or None, but got {step_size}'
                )
        if distance not in self.DISTANCES:
            raise ValueError(
                f'unknown distance {distance!r}: choose from {self.DISTANCES}'
            )
        if not isinstance(random_start, bool):
            raise TypeError(
                f'random_start must be True or False, but got {random_start!r}'
            )
        if not random_start and distance != 'reconstruction':
            warnings.warn(
                f'random_start=False with distance={distance!r}: at fresh '
                'adapters the gradient at x itself is 0, and the attack '
                'does not move',
                stacklevel=2,
            )
        self.epsilon = epsilon
        self.num_steps = num_steps
        self.step_size = (
            epsilon / num_steps if step_size is None else step_size
        )
        self.distance = distance
        self.random_start = random_start

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
        if self.distance == 'reconstruction':
            if loss is None:
                raise ValueError(
                    "distance='reconstruction' needs the argument `loss`, a "
                    'function from features to a scalar'
                )
            # A mean over the batch, whose gradient vanishes in fp16 (the
            # training's GradScaler does not reach it). The sign stays.
            scale = len(x) * LOSS_SCALE
            objective = lambda x_adv: (  # noqa: E731
                loss(encode(x_adv)).float() * scale
            )
        else:
            objective = lambda x_adv: self.measure(  # noqa: E731
                encode(x_adv), reference
            ).sum()
        low, high = pixel_box(mean, std)
        radius, step = self.epsilon / std, self.step_size / std
        start = x
        if self.random_start:
            start = uniform_start(x, radius, low, high)
        return sign_ascent(
            objective, x, start, radius, step, self.num_steps, low, high
        )

    def measure(
        self, features: Sequence[Tensor], reference: Sequence[Tensor]
    ) -> Tensor:
        """The feature distance per image.

        Args:
            features (Sequence[Tensor]): Maps of R images, (R, ...) each.
            reference (Sequence[Tensor]): Maps of the same shapes.

        Returns:
            Tensor: (R, ), float32: KL divergence with ``distance='kl'``, else
            the squared L2 distance.
        """
        if self.distance == 'kl':
            return kl_divergence(features, reference)
        return squared_l2(features, reference)

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(epsilon={self.epsilon}, '
            f'num_steps={self.num_steps}, step_size={self.step_size}, '
            f'distance={self.distance!r}, random_start={self.random_start})'
        )


def _check_real(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f'{name} must be a number, but got {value!r}')
