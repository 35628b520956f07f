# Copyright (c) aemim_mm contributors. All rights reserved.
"""Autocast: casts made once for all steps of an attack, and its state."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from .module_index import ModuleIndex
from .names import inside


def cast_ahead(
    model: ModuleIndex, tensors: Mapping[str, Tensor], within: str = ''
) -> Mapping[str, Tensor]:
    """Cast what linear and convolutional layers multiply by.

    Autocast keeps the half-precision copies of a training step's weights, but
    not those of detached tensors: it would cast them anew in every step of the
    attack. The results are the same to the bit.

    The model is to run with ``tensors``; ``within`` names the submodule that
    every step runs, '' being the model itself. Where autocast is on, weights
    and biases of such layers of the submodule are in its type afterwards, in a
    copy of the mapping.
    """
    kinds = {tensor.device for tensor in tensors.values()}
    if all(autocast_dtype(device) is None for device in kinds):
        return tensors
    tensors = dict(tensors)
    for name, layer in model.modules().items():
        if within and not inside(name, (within,)):
            continue
        # Other convolutions may compute with their weights, in float32.
        if not isinstance(layer, nn.Linear) and type(layer) is not nn.Conv2d:
            continue
        for part in ('weight', 'bias'):
            key = f'{name}.{part}' if name else part
            tensor = tensors.get(key)
            if tensor is None or tensor.dtype != torch.float32:
                continue
            dtype = autocast_dtype(tensor.device)
            if dtype is not None:
                tensors[key] = tensor.to(dtype)
    return tensors


def autocast_dtype(device: torch.device) -> torch.dtype | None:
    """The type that autocast computes in.

    None where it is off or not known.
    """
    kind = device.type
    if not torch.amp.is_autocast_available(kind):  # 'meta', for one
        return None
    if not torch.is_autocast_enabled(kind):
        return None
    return torch.get_autocast_dtype(kind)


def without_autocast(
    device: torch.device,
) -> AbstractContextManager[Any]:
    """A context in which autocast is off, on any device."""
    if not torch.amp.is_autocast_available(device.type):
        return nullcontext()
    return torch.autocast(device.type, enabled=False)
