# Copyright (c) aemim_mm contributors. All rights reserved.
"""What attacks on the encoder's features share: objective and steps."""

import warnings
from collections.abc import Callable, Sequence
from numbers import Real

from torch import Tensor

from .distances import (
    kl_divergence,
    squared_l2,
)

# Per image, for a loss that is a mean over the batch.
LOSS_SCALE = 2.0**12


class FeatureAttack:
    """Base class of the attacks on features: they maximise a distance.

    Args:
        num_steps (int): Number of steps T.
        distance (str): ``'l2'`` (sum of squares per image), ``'kl'`` (softmax
            over channels) or ``'reconstruction'`` (the loss handed to the
            call in place of a distance).
        random_start (bool): Start somewhere in the budget instead of at x.

    Raises:
        TypeError: If an argument is of the wrong type.
        ValueError: If an argument is out of its range.
    """

    DISTANCES = ('l2', 'kl', 'reconstruction')

    def __init__(
        self, num_steps: int, distance: str, random_start: bool
    ) -> None:
        if isinstance(num_steps, bool) or not isinstance(num_steps, int):
            raise TypeError(f'num_steps must be an int, but got {num_steps!r}')
        if num_steps < 1:
            raise ValueError(f'num_steps must be >= 1, but got {num_steps}')
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
                stacklevel=3,
            )
        self.num_steps = num_steps
        self.distance = distance
        self.random_start = random_start

    def objective(
        self,
        encode: Callable[[Tensor], Sequence[Tensor]],
        reference: Sequence[Tensor],
        loss: Callable[[Sequence[Tensor]], Tensor] | None,
    ) -> Callable[[Tensor], Tensor]:
        """The function of the images that the steps maximise.

        Args:
            encode (Callable): Maps images (R, C, H, W) to a sequence of
                feature maps (R, ...).
            reference (Sequence[Tensor]): The clean features, detached.
            loss (Callable, optional): Maps features to a scalar; needed, and
                used, only with ``distance='reconstruction'``.

        Returns:
            Callable: Maps images (R, C, H, W) to a scalar, float32.

        Raises:
            ValueError: If ``distance='reconstruction'`` and no ``loss``.
        """
        if self.distance != 'reconstruction':
            return lambda x: self.measure(encode(x), reference).sum()
        if loss is None:
            raise ValueError(
                "distance='reconstruction' needs the argument `loss`, a "
                'function from features to a scalar'
            )
        # A mean over the batch, whose gradient vanishes in fp16 (the
        # training's GradScaler does not reach it). The sign stays.
        return lambda x: loss(encode(x)).float() * (len(x) * LOSS_SCALE)

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


def check_real(name: str, value: float) -> None:
    """Raise TypeError unless an argument is a number."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f'{name} must be a number, but got {value!r}')
