# Copyright (c) aemim_mm contributors. All rights reserved.
"""What attacks on classifiers share: units, checks and the ascent."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.parallel import DataParallel, DistributedDataParallel

from ..core.linf import (
    sign_ascent,
    uniform_start,
)
from .precision import full_precision

Classifier = Callable[[Tensor], Tensor]


def per_image(name: str, value: float | Tensor, x: Tensor) -> Tensor:
    """A length, or one per image, in the shape that broadcasts to images.

    Args:
        name (str): What it is, for the error.
        value (float | Tensor): Length on the 0-1 scale, or lengths (N, ).
        x (Tensor): Images, (N, C, H, W).

    Returns:
        Tensor: (N, 1, 1, 1), with the type and device of ``x``.

    Raises:
        ValueError: If a length is outside [0, 1], or their number is not N.
    """
    length = torch.as_tensor(value, dtype=x.dtype, device=x.device)
    if length.ndim > 0 and length.shape != x.shape[:1]:
        raise ValueError(
            f'{name} must be one number or one per image, '
            f'{tuple(x.shape[:1])}, but got shape {tuple(length.shape)}'
        )
    if not ((length >= 0) & (length <= 1)).all():
        raise ValueError(
            f'{name} must be in [0, 1], but got {value}: attacks on '
            'classifiers count pixels from 0 to 1, so that a budget of 2/255 '
            'is epsilon=2/255'
        )
    return length.expand(len(x)).reshape(-1, 1, 1, 1)


def check_images(x: Tensor, y: Tensor) -> None:
    """Refuse what is not a batch of images in [0, 1] with their classes.

    Args:
        x (Tensor): Images, (N, C, H, W).
        y (Tensor): Classes, (N, ).

    Raises:
        ValueError: If a pixel is outside [0, 1], or shapes do not fit.
    """
    if x.ndim != 4 or y.shape != x.shape[:1]:
        raise ValueError(
            'images (N, C, H, W) and one class for each are needed, but got '
            f'shapes {tuple(x.shape)} and {tuple(y.shape)}'
        )
    if x.numel() and not ((x >= 0) & (x <= 1)).all():
        raise ValueError(
            f'pixels must be in [0, 1], but got {x.min():g} to {x.max():g}. '
            'Normalisation belongs inside the model; divide 0-255 pixels by '
            '255'
        )


def check_normalises(model: Classifier) -> None:
    """Refuse a model that leaves normalisation to its data preprocessor.

    Args:
        model (Callable): The classifier.

    Raises:
        ValueError: If it has a ``data_preprocessor``, as those of mmpretrain.
    """
    # Within torch's wrappers for several GPUs, too.
    if isinstance(model, DataParallel | DistributedDataParallel):
        model = model.module
    if getattr(model, 'data_preprocessor', None) is not None:
        raise ValueError(
            f'{type(model).__name__} has a data_preprocessor, which would '
            'not be applied: the classifier would see pixels in [0, 1] that '
            'are not normalised. Wrap it: '
            'PixelClassifier.from_mmpretrain(model)'
        )


def ascend(
    model: Classifier,
    x: Tensor,
    y: Tensor,
    epsilon: float | Tensor,
    step_size: float | Tensor,
    num_steps: int,
    random_start: bool = False,
    noise: Tensor | None = None,
) -> Tensor:
    """Ascend the cross-entropy along the gradient's sign, in float32.

    Args:
        model (Callable): Maps images in [0, 1] (N, C, H, W) to logits (N, K).
        x (Tensor): Images in [0, 1], (N, C, H, W).
        y (Tensor): True classes, (N, ), int64.
        epsilon (float | Tensor): Budget on the 0-1 scale, or one per image.
        step_size (float | Tensor): Length of a step on the 0-1 scale, or one
            per image.
        num_steps (int): Number of steps.
        random_start (bool): Start in the ball, not at ``x``. Defaults to
            False.
        noise (Tensor, optional): Place of the start in the ball, in [-1, 1],
            (N, C, H, W). None draws it uniformly. Defaults to None.

    Returns:
        Tensor: The last iterate, (N, C, H, W), float32, without a graph.

    Raises:
        ValueError: As :func:`per_image`, :func:`check_images` and
            :func:`check_normalises` do.
    """
    check_normalises(model)
    with full_precision():
        # Copies: tensors made in inference mode cannot enter a graph.
        x, y = x.detach().float().clone(), y.detach().clone()
        check_images(x, y)
        radius = per_image('epsilon', epsilon, x)
        if not radius.any():
            return x
        step = per_image('step_size', step_size, x)
        low, high = x.new_zeros(()), x.new_ones(())
        start = x
        if random_start:
            if noise is not None:
                noise = noise.to(x).clone()
            start = uniform_start(x, radius, low, high, noise)

        def cross_entropy(images: Tensor) -> Tensor:
            # The sum: an image's step does not depend on its batch.
            return F.cross_entropy(model(images), y, reduction='sum')

        return sign_ascent(
            cross_entropy, x, start, radius, step, num_steps, low, high
        )
