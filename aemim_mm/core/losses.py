# Copyright (c) aemim_mm contributors. All rights reserved.
"""The loss dicts of two passes, weighted and named."""

from typing import Any

from torch import Tensor


def total(losses: dict[str, Any]) -> Tensor:
    """The sum of all losses, as mmengine's ``parse_losses`` forms it.

    Args:
        losses (dict): What a ``loss()`` returned. Keys with ``loss`` in them
            are losses: tensors or lists of tensors.

    Returns:
        Tensor: The scalar sum of their means.
    """
    values = [value for key, value in losses.items() if 'loss' in key]
    return sum(
        sum(v.mean() for v in value)
        if isinstance(value, list | tuple)
        else value.mean()
        for value in values
    )


def weighted(losses: dict, suffix: str, weight: float) -> dict:
    """Give every key a suffix; weight losses and detach log values.

    Args:
        losses (dict): What a ``loss()`` returned.
        suffix (str): ``'clean'`` or ``'adv'``.
        weight (float): Factor of the losses; log values stay as they are.

    Returns:
        dict: ``loss`` becomes ``loss_<suffix>`` and so on.
    """
    result = {}
    for key, value in losses.items():
        name = f'{key}_{suffix}'
        several = isinstance(value, list | tuple)
        if 'loss' in key:
            result[name] = (
                [weight * v for v in value] if several else weight * value
            )
        else:
            result[name] = (
                [v.detach() for v in value] if several else value.detach()
            )
    return result
