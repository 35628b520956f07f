# Copyright (c) aemim_mm contributors. All rights reserved.
"""The two-dimensional wavelet transform, with gradients, on any device."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .autocast import without_autocast

# Of an image: the approximation, then the details of every level, coarse to
# fine: (N, C, h, w) and (N, C, 3, h, w) each.
Coefficients = list[Tensor]


class WaveletTransform:
    """The separable transform with periodic borders.

    The filters are PyWavelets', and so are the coefficients: those of
    ``pywt.wavedec2(..., mode='periodization')``, details in the order
    horizontal, vertical, diagonal.

    Args:
        wavelet (str): A discrete wavelet of PyWavelets, such as
            ``'bior4.4'``.
        levels (int): Number of levels. Of an image, as many are taken as
            halve its height and width without a remainder.

    Raises:
        ImportError: If PyWavelets is not installed.
        ValueError: If there is no such wavelet, or ``levels`` is below 1.
    """

    def __init__(self, wavelet: str, levels: int) -> None:
        try:
            import pywt
        except ImportError as error:
            raise ImportError(
                'wavelets need the package PyWavelets: pip install PyWavelets'
            ) from error
        if wavelet not in pywt.wavelist(kind='discrete'):
            raise ValueError(
                f'unknown wavelet {wavelet!r}: choose one of '
                "pywt.wavelist(kind='discrete'), such as 'bior4.4' or 'haar'"
            )
        if isinstance(levels, bool) or not isinstance(levels, int):
            raise TypeError(f'levels must be an int, but got {levels!r}')
        if levels < 1:
            raise ValueError(f'levels must be >= 1, but got {levels}')
        bank = pywt.Wavelet(wavelet)
        # A correlation takes the filter of a convolution from its end.
        self._analysis = _pair(bank.dec_lo[::-1], bank.dec_hi[::-1])
        self._synthesis = _pair(bank.rec_lo, bank.rec_hi)
        self._kernels: dict[
            tuple[torch.device, torch.dtype], tuple[Tensor, ...]
        ] = {}
        self.levels = levels

    def levels_of(self, x: Tensor) -> int:
        """Levels that an image is taken apart into.

        Args:
            x (Tensor): Images, (N, C, H, W).

        Returns:
            int: From 1 to ``levels``.

        Raises:
            ValueError: If height or width is odd, or smaller than the border
                of the wavelet.
        """
        height, width = x.shape[-2:]
        levels = 0
        while levels < self.levels and not (height | width) >> levels & 1:
            levels += 1
        if levels == 0:
            raise ValueError(
                'wavelets need images of even height and width, but got '
                f'{height} x {width}'
            )
        # The periodic border takes at most one period.
        border = len(self._analysis[0]) // 2 - 1
        while levels and min(height, width) >> (levels - 1) < border:
            levels -= 1
        if levels == 0:
            raise ValueError(
                f'this wavelet reaches {border} pixels over the border, and '
                f'images of {height} x {width} have fewer: choose a shorter '
                "one, such as 'haar'"
            )
        return levels

    def analyse(self, x: Tensor) -> Coefficients:
        """Take images apart.

        Args:
            x (Tensor): Images, (N, C, H, W), of even height and width.

        Returns:
            list[Tensor]: The approximation (N, C, h, w), then the details
            (N, C, 3, h, w) of every level, coarse to fine. float32, or
            float64 of images in it.

        Raises:
            ValueError: As :meth:`levels_of`.
        """
        low = x if x.dtype == torch.float64 else x.float()
        details = []
        with without_autocast(x.device):
            for _ in range(self.levels_of(x)):
                bands = self._halve(self._halve(low, -2), -1)
                low = bands[:, :, 0]
                details.append(bands[:, :, 1:])
        return [low, *reversed(details)]

    def synthesise(self, coefficients: Sequence[Tensor]) -> Tensor:
        """Put images together again, the inverse of :meth:`analyse`.

        Args:
            coefficients (Sequence[Tensor]): As :meth:`analyse` returns them.

        Returns:
            Tensor: Images, (N, C, H, W).
        """
        low, *details = coefficients
        with without_autocast(low.device):
            for bands in details:
                bands = torch.cat([low[:, :, None], bands], dim=2)
                low = self._double(self._double(bands, -1), -2)[:, :, 0]
        return low

    def _halve(self, x: Tensor, dim: int) -> Tensor:
        """Low and high half along a side: (N, C, [B,] H, W) to 2 B bands.

        The new half is the outer index: after height (-2) and width (-1) the
        bands are low low, then horizontal, vertical and diagonal details.
        """
        bands = x if x.dim() == 5 else x[:, :, None]
        n, c, b, h, w = bands.shape
        kernel = self._kernel(False, x, dim)
        border = kernel.shape[dim] // 2 - 1
        flat = bands.reshape(n * c * b, 1, h, w)
        halves = F.conv2d(
            F.pad(flat, _sides(border, dim), mode='circular'),
            kernel,
            stride=_along(2, dim),
        )
        halves = halves.view(n, c, b, 2, *halves.shape[-2:])
        return halves.transpose(2, 3).flatten(2, 3)

    def _double(self, bands: Tensor, dim: int) -> Tensor:
        """The inverse of :meth:`_halve`."""
        n, c, b, h, w = bands.shape
        kernel = self._kernel(True, bands, dim)
        pairs = bands.view(n, c, 2, b // 2, h, w).transpose(2, 3)
        long = F.conv_transpose2d(
            pairs.reshape(n * c * (b // 2), 2, h, w),
            kernel,
            stride=_along(2, dim),
        )
        border = kernel.shape[dim] // 2 - 1
        size = 2 * bands.shape[dim]
        # What leaves at one end comes in at the other.
        whole = long.narrow(dim, border, size).clone()
        if border:
            before = long.narrow(dim, 0, border)
            behind = long.narrow(dim, border + size, border)
            whole.narrow(dim, size - border, border).add_(before)
            whole.narrow(dim, 0, border).add_(behind)
        return whole.view(n, c, b // 2, *whole.shape[-2:])

    def _kernel(self, inverse: bool, x: Tensor, dim: int) -> Tensor:
        """Low and high filter along a side, (2, 1, 1, F) or (2, 1, F, 1)."""
        key = (x.device, x.dtype)
        if key not in self._kernels:
            # Copied to a device once, not in every step.
            self._kernels[key] = tuple(
                torch.tensor(pair, dtype=x.dtype, device=x.device)
                for pair in (self._analysis, self._synthesis)
            )
        kernel = self._kernels[key][inverse]
        return kernel[:, None, None] if dim == -1 else kernel[:, None, :, None]


def _pair(
    low: Sequence[float], high: Sequence[float]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return tuple(low), tuple(high)


def _along(value: int, dim: int) -> tuple[int, int]:
    """A stride along one side of an image."""
    return (1, value) if dim == -1 else (value, 1)


def _sides(border: int, dim: int) -> tuple[int, int, int, int]:
    """A border at both ends of one side, as torch's pad takes it."""
    return (border, border, 0, 0) if dim == -1 else (0, 0, border, border)
