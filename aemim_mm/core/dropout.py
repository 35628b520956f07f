# Copyright (c) aemim_mm contributors. All rights reserved.
"""Dropout and DropPath in the encoder would swamp the attack: find them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.dropout import _DropoutNd


def active_dropout(modules: Iterable[nn.Module]) -> list[nn.Module]:
    """The modules that drop something at random right now.

    Args:
        modules (Iterable[nn.Module]): Where to look, such as
            ``encoder.modules()``.

    Returns:
        list[nn.Module]: Dropout layers with p > 0, DropPath layers
        (attribute ``drop_prob``; torchvision's StochasticDepth) and
        attention layers with a dropout of their own, as far as they are in
        training mode.
    """
    return [m for m in modules if m.training and _drops(m)]


def _drops(module: nn.Module) -> bool:
    names: tuple[str, ...] = ('drop_prob', 'attn_drop')
    if isinstance(module, _DropoutNd) or (
        type(module).__name__ == 'StochasticDepth'  # torchvision's
    ):
        names = ('p',)
    elif isinstance(module, nn.MultiheadAttention):
        names = ('dropout',)
    child = module._modules.get('attn_drop')  # timm's attention reads its p
    if isinstance(child, _DropoutNd) and child.p > 0:
        return True
    rates = (_attribute(module, name) for name in names)
    return any(isinstance(r, float | int) and r > 0 for r in rates)


def _attribute(module: nn.Module, name: str) -> object:
    # nn.Module looks long for an attribute that it lacks.
    if name in vars(module) or hasattr(type(module), name):
        return getattr(module, name)
    return None


@contextmanager
def switched_off(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Put just these modules, not their children, into evaluation mode.

    Args:
        modules (Iterable[nn.Module]): Modules in training mode.
    """
    modules = list(modules)
    for module in modules:
        module.training = False
    try:
        yield
    finally:
        for module in modules:
            module.training = True
