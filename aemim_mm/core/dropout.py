# Copyright (c) aemim_mm contributors. All rights reserved.
"""Dropout and DropPath in the encoder would swamp the attack: find them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.dropout import _DropoutNd


def active_dropout(modules: Iterable[nn.Module]) -> list[nn.Module]:
    """The modules that drop something at random right now.

    Dropout layers with p > 0, DropPath layers (attribute ``drop_prob``;
    torchvision's StochasticDepth) and attention layers with a dropout of their
    own, as far as they are in training mode.
    """
    return [m for m in modules if m.training and _drops(m)]


def _drops(module: nn.Module) -> bool:
    if isinstance(module, _DropoutNd) or (
        type(module).__name__ == 'StochasticDepth'  # torchvision's
    ):
        return _is_rate(module.p)
    if isinstance(module, nn.MultiheadAttention):
        return _is_rate(module.dropout)
    child = module._modules.get('attn_drop')  # timm's attention reads its p
    if isinstance(child, _DropoutNd) and _is_rate(child.p):
        return True
    return _has_rate(module, 'drop_prob') or _has_rate(module, 'attn_drop')


def _has_rate(module: nn.Module, name: str) -> bool:
    # nn.Module looks long for an attribute that it lacks.
    if name in module.__dict__ or hasattr(type(module), name):
        return _is_rate(getattr(module, name))
    return False


def _is_rate(value: object) -> bool:
    return isinstance(value, float | int) and value > 0


@contextmanager
def switched_off(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Put just these modules, not their children, into evaluation mode.

    They are in training mode before and after.
    """
    modules = list(modules)
    for module in modules:
        module.training = False
    try:
        yield
    finally:
        for module in modules:
            module.training = True
