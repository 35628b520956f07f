# Copyright (c) aemim_mm contributors. All rights reserved.
"""On-manifold adversarial examples: what the paper leaves to the future."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from .feature_attack import FeatureAttack, check_real
from .linf import pixel_box, project
from .wavelets import Coefficients, WaveletTransform


class WaveletPGD(FeatureAttack):
    r"""PGD on factors of an image's wavelet coefficients.

    .. math::
        x_a = \Pi\{W^{-1}(W(x) \odot (1 + m))\}, \quad
        m \leftarrow \mathrm{clip}(m + \mu \cdot
        \mathrm{sign}(\nabla_m L_d(E(x_a), E(x))), -\rho, \rho)

    with the projection onto the range of valid pixels. Large wavelet
    coefficients change much, and those that are 0 stay 0. The examples
    therefore stay closer to natural images than those with additive noise
    (Liu et al., AdvWavAug, arXiv 2302.14302). Section 5 of AEMIM names such
    examples as future work and has no numbers for them. It is called like
    :class:`FeatureDistancePGD`.

    Args:
        budget (float): rho, the largest relative change of a coefficient, in
            (0, 1]. Defaults to 0.25.
        bands (str): ``'detail'`` does not change the approximation, whose
            change would be one of brightness over whole areas; ``'all'``
            changes it, too. Defaults to ``'detail'``.
        wavelet (str): A discrete wavelet of PyWavelets. Defaults to
            ``'bior4.4'``, that of JPEG 2000.
        levels (int): Largest number of levels. Fewer are used if the sides
            of the images cannot be halved as often. Defaults to 3.
        num_steps (int): Number of steps T. Defaults to 2.
        step_size (float, optional): Step mu of the factors. None means
            ``budget / num_steps``. Defaults to None.
        distance (str): As in :class:`FeatureDistancePGD`. Defaults to
            ``'l2'``.
        random_start (bool): Start at factors drawn uniformly from the budget.
            Defaults to True.
        max_pixel_change (float, optional): An additional L-infinity bound in
            0-255 pixel values. Defaults to None.

    Raises:
        ImportError: If PyWavelets is not installed.
        TypeError: If an argument is of the wrong type.
        ValueError: If an argument is out of its range.
    """

    BANDS = ('detail', 'all')

    def __init__(
        self,
        budget: float = 0.25,
        bands: str = 'detail',
        wavelet: str = 'bior4.4',
        levels: int = 3,
        num_steps: int = 2,
        step_size: float | None = None,
        distance: str = 'l2',
        random_start: bool = True,
        max_pixel_change: float | None = None,
    ) -> None:
        check_real('budget', budget)
        if not 0 < budget <= 1:
            raise ValueError(
                'budget is relative to a coefficient and must be in (0, 1], '
                f'but got {budget}'
            )
        if bands not in self.BANDS:
            raise ValueError(
                f'unknown bands {bands!r}: choose from {self.BANDS}'
            )
        if step_size is not None:
            check_real('step_size', step_size)
            if not 0 < step_size <= 2:
                raise ValueError(
                    'step_size is one of factors and must be in (0, 2] or '
                    f'None, but got {step_size}'
                )
        if max_pixel_change is not None:
            check_real('max_pixel_change', max_pixel_change)
            if not 0 < max_pixel_change <= 255:
                raise ValueError(
                    'max_pixel_change is in 0-255 pixel values and must be '
                    f'in (0, 255] or None, but got {max_pixel_change}'
                )
        super().__init__(num_steps, distance, random_start)
        self.transform = WaveletTransform(wavelet, levels)
        self.budget = budget
        self.bands = bands
        self.wavelet = wavelet
        self.levels = levels
        self.step_size = budget / num_steps if step_size is None else step_size
        self.max_pixel_change = max_pixel_change

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
            x (Tensor): Normalised images inside the pixel box, (R, C, H, W),
                of even height and width.
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
            ValueError: If ``distance='reconstruction'`` and no ``loss``, or
                height or width is odd or too small for the wavelet.
        """
        objective = self.objective(encode, reference, loss)
        x = x.detach()
        # Of pixel values: the mean of normalised images is no brightness.
        coefficients = self.transform.analyse(x * std + mean)
        factors = [self._start(band) for band in coefficients]
        if self.bands == 'detail':
            factors[0] = torch.zeros_like(coefficients[0])
        for _ in range(self.num_steps):
            with torch.enable_grad():
                moving = factors if self.bands == 'all' else factors[1:]
                for factor in moving:
                    factor.requires_grad_(True)
                images = self._images(x, coefficients, factors, mean, std)
                gradients = torch.autograd.grad(objective(images), moving)
            moved = [
                (factor.detach() + self.step_size * gradient.sign()).clamp_(
                    -self.budget, self.budget
                )
                for factor, gradient in zip(moving, gradients, strict=True)
            ]
            factors = [*factors[: len(factors) - len(moved)], *moved]
        with torch.no_grad():
            return self._images(x, coefficients, factors, mean, std)

    def _start(self, band: Tensor) -> Tensor:
        """Factors to begin with."""
        if not self.random_start:
            return torch.zeros_like(band)
        return (2 * torch.rand_like(band) - 1) * self.budget

    def _images(
        self,
        x: Tensor,
        coefficients: Coefficients,
        factors: Coefficients,
        mean: Tensor,
        std: Tensor,
    ) -> Tensor:
        """The images of some factors, in bound and box.

        By linearity W^-1(W(x) (1 + m)) = x + W^-1(W(x) m), which gives x
        itself, to the bit, where nothing changes.
        """
        change = self.transform.synthesise(
            [c * m for c, m in zip(coefficients, factors, strict=True)]
        )
        low, high = pixel_box(mean, std)
        # Nothing within the box is further away than 255.
        bound = self.max_pixel_change or 255.0
        moved = x + (change / std).to(x.dtype)
        return project(moved, x, bound / std, low, high)

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(budget={self.budget}, '
            f'bands={self.bands!r}, wavelet={self.wavelet!r}, '
            f'levels={self.levels}, num_steps={self.num_steps}, '
            f'step_size={self.step_size}, distance={self.distance!r}, '
            f'random_start={self.random_start}, '
            f'max_pixel_change={self.max_pixel_change})'
        )
