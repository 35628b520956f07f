# Copyright (c) aemim_mm contributors. All rights reserved.
"""The losses of two passes, summed, weighted and named.

Losses are a tensor, or a dict as models of OpenMMLab return it: keys with
``loss`` in them are losses, tensors or lists of tensors; others are for the
log.
"""

from typing import Any

from torch import Tensor

Losses = Tensor | dict[str, Any]


def total(losses: Losses) -> Tensor:
    """The sum of all losses, as mmengine's ``parse_losses`` forms it.

    Args:
        losses (Tensor | dict): A loss, or several.

    Returns:
        Tensor: The scalar sum of their means.
    """
    if isinstance(losses, Tensor):
        return losses.mean()
    values = [value for key, value in losses.items() if 'loss' in key]
    result: Tensor = sum(  # type: ignore[assignment]
        sum(v.mean() for v in value)
        if isinstance(value, list | tuple)
        else value.mean()
        for value in values
    )
    return result


def weighted(
    losses: dict[str, Any], suffix: str, weight: float
) -> dict[str, Any]:
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
