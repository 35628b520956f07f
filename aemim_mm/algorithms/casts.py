# Copyright (c) aemim_mm contributors. All rights reserved.
"""Casts of autocast, made once for all steps of an attack."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


def cast_ahead(
    module: nn.Module, tensors: Mapping[str, Tensor], within: str
) -> dict[str, Tensor]:
    """Cast what linear and convolutional layers multiply by.

    Autocast keeps the half-precision copies of a training step's weights, but
    not those of detached tensors: it would cast them anew in every step of
    the attack. The results are the same to the bit.

    Args:
        module (nn.Module): The module that the tensors are swapped into.
        tensors (Mapping[str, Tensor]): Its tensors by name.
        within (str): Name of the submodule that every step runs.

    Returns:
        dict[str, Tensor]: The same; where autocast is on, weights and biases
        of such layers of the submodule are in its type.
    """
    tensors = dict(tensors)
    submodule = module.get_submodule(within)
    for name, layer in submodule.named_modules(prefix=within):
        # Other convolutions may compute with their weights, in float32.
        if not isinstance(layer, nn.Linear) and type(layer) is not nn.Conv2d:
            continue
        for part in ('weight', 'bias'):
            key = f'{name}.{part}'
            tensor = tensors.get(key)
            if tensor is None or tensor.dtype != torch.float32:
                continue
            device = tensor.device.type
            if torch.is_autocast_enabled(device):
                tensors[key] = tensor.to(torch.get_autocast_dtype(device))
    return tensors
