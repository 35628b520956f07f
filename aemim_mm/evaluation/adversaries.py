# Copyright (c) aemim_mm contributors. All rights reserved.
"""Running any attack: is the classifier still right on what it returns?"""

import torch
from torch import Tensor, nn

from ..attacks.ascent import Classifier, check_normalises, per_image
from ..attacks.indexed import Attack

# Rounding of float32, on the 0-1 scale.
TOLERANCE = 1e-6


def check_judged(model: Classifier) -> None:
    """Refuse a classifier that cannot be judged as it is.

    Args:
        model (Callable): Maps images in [0, 1] (N, C, H, W) to logits (N, K).

    Raises:
        ValueError: If it has a ``data_preprocessor``, or a part of it is in
            train mode.
    """
    check_normalises(model)
    modules = model.named_modules() if isinstance(model, nn.Module) else ()
    for name, module in modules:
        if module.training:
            raise ValueError(
                f'{name or type(model).__name__} is in train mode, in which '
                'dropout and batch statistics change the results: call '
                'model.eval() first'
            )


def is_correct(model: Classifier, x: Tensor, y: Tensor) -> Tensor:
    """Whether the largest logit is that of the true class.

    Args:
        model (Callable): Maps images in [0, 1] (N, C, H, W) to logits (N, K).
        x (Tensor): Images in [0, 1], (N, C, H, W).
        y (Tensor): True classes, (N, ).

    Returns:
        Tensor: (N, ), bool.

    Raises:
        ValueError: If a logit is not a number, or all rows are probabilities.
    """
    with torch.no_grad():
        logits = model(x)
    sums = logits.sum(dim=1)
    if len(x) > 1 and ((logits >= 0).all() & ((sums - 1).abs() < 1e-4).all()):
        raise ValueError(
            'the classifier returned probabilities (each row sums to 1) in '
            'place of logits: attacks would ascend a softmax of a softmax, '
            'which hardly has a gradient. Leave its last softmax out'
        )
    if logits.isnan().any():
        raise ValueError('the classifier returned logits that are no numbers')
    return logits.argmax(dim=1) == y


def withstands(
    model: Classifier,
    attack: Attack,
    x: Tensor,
    y: Tensor,
    epsilon: float | Tensor,
    indices: Tensor,
) -> Tensor:
    """Whether the classifier is right on the attack's examples.

    Args:
        model (Callable): Maps images in [0, 1] (N, C, H, W) to logits (N, K).
        attack (Callable): ``attack(model, x, y, epsilon, indices) -> x_adv``.
        x (Tensor): Images in [0, 1], (N, C, H, W).
        y (Tensor): True classes, (N, ).
        epsilon (float | Tensor): Budget on the 0-1 scale, or one per image.
        indices (Tensor): Places in the data set, (N, ).

    Returns:
        Tensor: (N, ), bool.

    Raises:
        ValueError: If what the attack returned is not within the budget and
            the pixel box: an attack in other units than [0, 1], most likely.
    """
    with torch.enable_grad():
        x_adv = attack(model, x, y, epsilon, indices).detach()
    if x_adv.shape != x.shape:
        raise ValueError(
            f'the attack returned images of shape {tuple(x_adv.shape)} for '
            f'{tuple(x.shape)}'
        )
    change = (x_adv - x).abs()
    excess = change - per_image('epsilon', epsilon, x)
    # Put so that what is no number fails, too.
    if not (excess <= TOLERANCE).all():
        raise ValueError(
            f'the attack changed a pixel by {change.max():g}, more than '
            f'epsilon = {epsilon}. Images and budgets are on the 0-1 scale: '
            'does it expect another one, or normalised images?'
        )
    if not ((x_adv >= -TOLERANCE) & (x_adv <= 1 + TOLERANCE)).all():
        raise ValueError(
            f'the attack left the pixel box [0, 1]: {x_adv.min():g} to '
            f'{x_adv.max():g}'
        )
    return is_correct(model, x_adv, y)
