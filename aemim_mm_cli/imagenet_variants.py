# Copyright (c) aemim_mm contributors. All rights reserved.
"""The data sets of the robustness suite: size, place, origin."""

from dataclasses import dataclass


@dataclass(frozen=True)
class VariantInfo:
    """What is known of one data set as its authors distribute it."""

    title: str  # for messages and tables
    folder: str  # under the data root
    # images of the original; of ImageNet-C per cell, a cell being a corruption
    # at a severity
    num_images: int
    num_classes: int  # classes that the original has images of
    origin: str  # where to get it
    # the classes of which the accuracy is reported, for SubsetAccuracy. None:
    # all 1000.
    subset: str | None = None


_VALIDATION = (
    'https://image-net.org/challenges/LSVRC/2012/2012-downloads.php '
    '(ILSVRC2012_img_val.tar, after registration), sorted into a folder per '
    'WordNet id'
)

VARIANTS = {
    'imagenet': VariantInfo(
        'ImageNet-1K validation', 'imagenet/val', 50000, 1000, _VALIDATION
    ),
    # The labels come with timm; 46837 of the images have some.
    'real': VariantInfo(
        'ImageNet-ReaL', 'imagenet/val', 50000, 1000, _VALIDATION
    ),
    'v2': VariantInfo(
        'ImageNet-V2 matched-frequency',
        'imagenetv2-matched-frequency-format-val',
        10000,
        1000,
        'https://huggingface.co/datasets/vaishaal/ImageNetV2 '
        '(imagenetv2-matched-frequency.tar.gz)',
    ),
    'a': VariantInfo(
        'ImageNet-A',
        'imagenet-a',
        7500,
        200,
        'https://github.com/hendrycks/natural-adv-examples (imagenet-a.tar)',
        'imagenet-a',
    ),
    'r': VariantInfo(
        'ImageNet-R',
        'imagenet-r',
        30000,
        200,
        'https://github.com/hendrycks/imagenet-r (imagenet-r.tar)',
        'imagenet-r',
    ),
    # Its README says 50000.
    'sketch': VariantInfo(
        'ImageNet-Sketch',
        'sketch',
        50889,
        1000,
        'https://github.com/HaohanWang/ImageNet-Sketch',
    ),
    'c': VariantInfo(
        'ImageNet-C',
        'imagenet-c',
        50000,
        1000,
        'https://zenodo.org/record/2235448 (blur, digital, noise and weather '
        '.tar), unpacked to <corruption>/<severity>/<WordNet id>/',
    ),
}

# What k-nearest neighbours are searched in: no part of the suite.
TRAINING = VariantInfo(
    'ImageNet-1K training',
    'imagenet/train',
    1281167,
    1000,
    'https://image-net.org/challenges/LSVRC/2012/2012-downloads.php '
    '(ILSVRC2012_img_train.tar, after registration), unpacked to a folder '
    'per WordNet id',
)


def variant_info(name: str) -> VariantInfo:
    """Look up a data set of the suite, by a name such as 'v2', or 'train'.

    ValueError if there is no such data set.
    """
    if name == 'train':
        return TRAINING
    if name not in VARIANTS:
        raise ValueError(
            f'there is no ImageNet variant {name!r}; known: '
            + ', '.join(VARIANTS)
        )
    return VARIANTS[name]
