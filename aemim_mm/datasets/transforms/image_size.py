# Copyright (c) aemim_mm contributors. All rights reserved.
from mmcv.transforms import BaseTransform
from mmpretrain.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RequireImageSize(BaseTransform):
    """Raise an error if an image does not have the expected size.

    For images that must not be resized or cropped, such as those of
    ImageNet-C: its 224 x 224 pixels were cropped before the corruption.

    Required Keys:

    - img
    - img_path (optional)

    Args:
        size (int): Width and height in pixels.

    Raises:
        ValueError: At an image of another size.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def transform(self, results: dict) -> dict:
        """Check the image.

        Args:
            results (dict): Result dict of the dataset.

        Returns:
            dict: The same.
        """
        height, width = results['img'].shape[:2]
        if (height, width) != (self.size, self.size):
            raise ValueError(
                f'{results.get("img_path", "an image")} has {width} x '
                f'{height} pixels, but {self.size} x {self.size} are taken as '
                'they are, without resizing. Take the original files, or a '
                'pipeline that resizes'
            )
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(size={self.size})'
