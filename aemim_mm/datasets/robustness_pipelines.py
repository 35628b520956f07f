# Copyright (c) aemim_mm contributors. All rights reserved.
"""The preprocessing that published results on ImageNet's variants have."""


def eval_pipeline(
    name: str,
    size: int = 224,
    *,
    native: bool | None = None,
    channels: int = 3,
) -> list[dict]:
    """The test pipeline of a data set of the suite.

    At 224 pixels: the short side to 256 (bicubic), then the central 224 x
    224, bit for bit as torchvision does it. Images of ImageNet-C were cropped
    before they were corrupted and are taken as they are; for another input
    size their short side is resized to it. A rotation in a file's EXIF data
    is ignored, as by pipelines based on Pillow.

    Args:
        name (str): Short name of the data set, such as 'v2'.
        size (int): Input size of the model in pixels. Defaults to 224.
        native (bool, optional): Whether all images have the input size
            already and must not be resized. None means only those of
            ImageNet-C at 224 pixels. Defaults to None.
        channels (int): 3 for colour (BGR, as mmpretrain loads images), 1 for
            grey images. Defaults to 3.

    Returns:
        list[dict]: Configs of the transforms.

    Raises:
        ValueError: If ``channels`` is neither.
    """
    if channels not in (1, 3):
        raise ValueError(f'channels is {channels}; it must be 1 or 3')
    color_type = 'color' if channels == 3 else 'grayscale'
    if native is None:
        native = name == 'c' and size == 224
    if native:
        middle = [dict(type='RequireImageSize', size=size)]
    else:
        middle = [
            dict(
                type='ResizeEdge',
                scale=size if name == 'c' else int(size / 0.875),
                edge='short',
                backend='pillow',
                interpolation='bicubic',
            ),
            dict(type='CenterCrop', crop_size=size),
        ]
    return [
        # mmcv's default turns an image as its EXIF data say.
        dict(
            type='LoadImageOrSkip',
            test_mode=True,
            color_type=f'{color_type}_ignore_orientation',
        ),
        *middle,
        dict(type='PackInputs'),
    ]
