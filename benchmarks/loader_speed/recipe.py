# Copyright (c) aemim_mm contributors. All rights reserved.
"""What a training pipeline does to an image, for other libraries to repeat."""

from dataclasses import dataclass

from mmpretrain.datasets import RandomResizedCrop
from mmpretrain.registry import TRANSFORMS

from ..pipeline import Pipeline

# Flips: the name of their probability, and its default.
_FLIPS = {
    'RandomFlip': ('prob', 0.0),
    'torchvision/RandomHorizontalFlip': ('p', 0.5),
}
# Other libraries do the same by themselves.
_PACKING = ('ImageToTensor', 'Collect')
_STEPS = (
    f'loading, one random resized crop, one horizontal {" or ".join(_FLIPS)}, '
    f'{" and ".join(_PACKING)} or not, PackInputs'
)


@dataclass(frozen=True)
class Recipe:
    """Random crop, resize and flip."""

    size: tuple[int, int]  # height and width of the result, in pixels
    scale: tuple[float, float]  # range of the crop's share of the area
    ratio: tuple[float, float]  # range of the crop's aspect ratio
    interpolation: str  # of the resize
    flip: float  # probability of the horizontal flip


def recipe_of(pipeline: Pipeline) -> Recipe:
    """Read crop, resize and flip from a pipeline, for other libraries.

    ValueError if the pipeline does anything else, so that times could not be
    compared.
    """
    classes = [TRANSFORMS.get(step['type']) for step in pipeline]
    names = [step['type'].split('.')[-1] for step in pipeline]
    crops = [
        index
        for index, cls in enumerate(classes)
        if isinstance(cls, type) and issubclass(cls, RandomResizedCrop)
    ]
    flips = [
        step
        for step in pipeline[2:]
        if step['type'] in _FLIPS
        and step.get('direction', 'horizontal') == 'horizontal'
    ]
    rest = [name for name in names[2:] if name not in (*_FLIPS, *_PACKING)]
    if (
        crops != [1]
        or not names[0].startswith('LoadImage')
        or len(flips) != 1
        or rest != ['PackInputs']
        or names[-1] != 'PackInputs'
    ):
        raise ValueError(
            f'the pipeline is {", ".join(names)}; only {_STEPS} can be '
            'compared with other libraries'
        )
    crop = TRANSFORMS.build(dict(pipeline[1]))
    height, width = crop.scale
    (flip,) = flips
    return Recipe(
        size=(height, width),
        scale=tuple(crop.crop_ratio_range),
        ratio=tuple(crop.aspect_ratio_range),
        interpolation=crop.interpolation,
        flip=flip.get(*_FLIPS[flip['type']]),
    )
