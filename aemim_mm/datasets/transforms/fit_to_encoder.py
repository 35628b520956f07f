# Copyright (c) aemim_mm contributors. All rights reserved.
from mmcv.transforms import BaseTransform, CenterCrop, Resize
from mmpretrain.datasets import ResizeEdge
from mmpretrain.registry import TRANSFORMS


@TRANSFORMS.register_module()
class FitToEncoder(BaseTransform):
    """Give an image the size of an encoder's input, without randomness.

    A square encoder sees the centre of the image: the shorter side is resized
    to a little more than the crop. A rectangular one sees the whole image,
    resized to that rectangle.

    Required Keys:

    - img

    Modified Keys:

    - img
    - img_shape

    Args:
        img_size (int | tuple[int, int]): Height and width in pixels, in the
            order of a backbone's ``img_size``; one number for both. The
            transforms of mmcv take the width first.
        crop_ratio (float): Side of the centre crop over the resized shorter
            side. Defaults to 224 / 256.
    """

    def __init__(
        self, img_size: int | tuple[int, int], crop_ratio: float = 224 / 256
    ) -> None:
        if isinstance(img_size, int):
            img_size = (img_size, img_size)
        height, width = img_size
        self.img_size = (height, width)
        options = dict(backend='pillow', interpolation='bicubic')
        if height == width:
            # As torchvision's recipes and the robustness suite: 384 to 438
            edge = int(height / crop_ratio)
            self.steps = [
                ResizeEdge(edge, edge='short', **options),
                CenterCrop((width, height)),
            ]
        else:
            self.steps = [Resize((width, height), **options)]

    def transform(self, results: dict) -> dict:
        """Resize the image, and crop it for a square.

        Args:
            results (dict): Result dict of the dataset.

        Returns:
            dict: The same, with the new image and its shape.
        """
        for step in self.steps:
            results = step(results)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(img_size={self.img_size})'
