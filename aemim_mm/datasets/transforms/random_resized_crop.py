# Copyright (c) aemim_mm contributors. All rights reserved.
from collections.abc import Sequence

import mmcv
import numpy as np
import torch
from mmpretrain.datasets import RandomResizedCrop
from mmpretrain.registry import TRANSFORMS
from numpy.typing import NDArray
from PIL import Image
from torch.nn.functional import interpolate

INTERPOLATIONS = {
    'pillow': ('nearest', 'bilinear', 'bicubic', 'lanczos'),
    'torch': ('bilinear', 'bicubic'),
    'cv2': ('nearest', 'bilinear', 'bicubic', 'area', 'lanczos'),
}


@TRANSFORMS.register_module()
class FastRandomResizedCrop(RandomResizedCrop):
    """A faster ``RandomResizedCrop`` of mmpretrain, with a further backend.

    With the same seed both give bit-identical pixels. The parent class gives
    Pillow a view into the image, which is first copied value by value. This
    takes longer than the resizing. Here Pillow reads the rows in place.

    The backends, if the image is reduced:

    - ``'pillow'``: the pixels of torchvision's and timm's transforms of PIL
      images, and so of MAE's own code, bit for bit.
    - ``'torch'``: two to three times as fast on x86 CPUs. With antialiasing,
      as Pillow, but with filter weights of fewer bits: in photographs 4 of
      100 values differ from Pillow's, nearly all by 1 of 255, and 1 in 20000
      by more.
    - ``'cv2'``: **without antialiasing**. The pixels differ from those of
      MAE's recipe.

    Required Keys:

    - img

    Modified Keys:

    - img
    - img_shape

    Args:
        scale (Sequence[int] or int): Height and width of the result in
            pixels; one number for both.
        crop_ratio_range (tuple[float, float]): Range of the crop's share of
            the image's area. Defaults to (0.08, 1.0).
        aspect_ratio_range (tuple[float, float]): Range of the crop's width to
            height. Defaults to (3 / 4, 4 / 3).
        max_attempts (int): Draws before the centre crop is used instead.
            Defaults to 10.
        interpolation (str): 'bilinear', 'bicubic', or another one of the
            backend. Defaults to 'bicubic'.
        backend (str): 'pillow', 'torch' or 'cv2'. Defaults to 'pillow'.

    Raises:
        ValueError: If the backend is unknown or has no such interpolation.
    """

    def __init__(
        self,
        scale: Sequence[int] | int,
        crop_ratio_range: tuple[float, float] = (0.08, 1.0),
        aspect_ratio_range: tuple[float, float] = (3 / 4, 4 / 3),
        max_attempts: int = 10,
        interpolation: str = 'bicubic',
        backend: str = 'pillow',
    ) -> None:
        if backend not in INTERPOLATIONS:
            raise ValueError(
                'FastRandomResizedCrop.backend must be one of '
                f'{tuple(INTERPOLATIONS)}, but got {backend!r}.'
            )
        if interpolation not in INTERPOLATIONS[backend]:
            raise ValueError(
                f'The backend {backend!r} of FastRandomResizedCrop has the '
                f'interpolations {INTERPOLATIONS[backend]}, but got '
                f'{interpolation!r}.'
            )
        super().__init__(
            scale=scale,
            crop_ratio_range=crop_ratio_range,
            aspect_ratio_range=aspect_ratio_range,
            max_attempts=max_attempts,
            interpolation=interpolation,
            backend=backend,
        )

    def transform(self, results: dict) -> dict:
        """Crop and resize the image.

        Args:
            results (dict): Result dict of the dataset; its image is
                (H, W, C) or (H, W).

        Returns:
            dict: The same, with the new image and its shape.
        """
        img = results['img']
        box = self.rand_crop_params(img)
        if self.backend == 'torch':
            img = self._by_torch(img, *box)
        elif self.backend == 'pillow':
            img = self._by_pillow(img, *box)
        else:
            img = self._by_mmcv(img, *box)
        results['img'] = img
        results['img_shape'] = img.shape
        return results

    def _by_pillow(
        self, img: NDArray, top: int, left: int, height: int, width: int
    ) -> NDArray:
        colour = img.ndim == 3 and img.shape[2] == 3
        if not (colour and img.dtype == np.uint8 and img.flags.c_contiguous):
            return self._by_mmcv(img, top, left, height, width)
        # Pillow steps from row to row of the whole image, without a copy.
        step = img.strides[0]
        start = top * step + left * 3
        stop = start + (height - 1) * step + width * 3
        # None: not filled with black before.
        crop = Image.new('RGB', (width, height), None)
        crop.frombytes(img.reshape(-1)[start:stop], 'raw', 'RGB', step, 1)
        resample = Image.Resampling[self.interpolation.upper()]
        return np.array(crop.resize(tuple(self.scale[::-1]), resample))

    def _by_torch(
        self, img: NDArray, top: int, left: int, height: int, width: int
    ) -> NDArray:
        # A view: torch reads the rows of the crop in place.
        pixels = torch.from_numpy(np.ascontiguousarray(np.atleast_3d(img)))
        crop = pixels[top : top + height, left : left + width]
        planes = crop.permute(2, 0, 1)
        resized = interpolate(
            planes[None],
            tuple(self.scale),
            mode=self.interpolation,
            antialias=True,
        )
        pixels = resized[0].permute(1, 2, 0).numpy()
        return pixels if img.ndim == 3 else pixels[..., 0]

    def _by_mmcv(
        self, img: NDArray, top: int, left: int, height: int, width: int
    ) -> NDArray:
        return mmcv.imresize(
            np.ascontiguousarray(img[top : top + height, left : left + width]),
            tuple(self.scale[::-1]),
            interpolation=self.interpolation,
            backend=self.backend,
        )
