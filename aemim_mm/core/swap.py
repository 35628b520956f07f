# Copyright (c) aemim_mm contributors. All rights reserved.
"""Run any function while some of a module's tensors are replaced."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from torch import Tensor, nn
from torch.func import functional_call

from ..utils import near_misses
from .names import inside


class _Host(nn.Module):
    """Gives :func:`torch.func.functional_call` a forward of our choice."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, function: Callable[[], Any]) -> Any:
        """Call ``function`` while the tensors are replaced."""
        return function()


def call_swapped(
    module: nn.Module,
    tensors: Mapping[str, Tensor],
    function: Callable[[], Any],
) -> Any:
    """Call ``function`` with some tensors of ``module`` replaced.

    The module itself is not changed: once the call returns, or raises, every
    name holds its own tensor again. Gradients flow to the tensors that were
    used. The swap has to last until the last forward computation, so whatever
    is recomputed in the backward pass (activation checkpointing) would see the
    original tensors: do not combine the two.

    Args:
        module (nn.Module): The module whose tensors are replaced.
        tensors (Mapping[str, Tensor]): New tensors by name, as in
            ``module.named_parameters()`` and ``module.named_buffers()``.
        function (Callable): Called without arguments.

    Returns:
        Any: What ``function`` returns.

    Raises:
        KeyError: If a name is that of no parameter or buffer.
    """
    if not tensors:
        return function()
    known = {n for n, _ in module.named_parameters(remove_duplicate=False)}
    known.update(n for n, _ in module.named_buffers(remove_duplicate=False))
    for name in tensors:
        if name not in known:
            raise KeyError(
                f'{type(module).__name__} has no parameter or buffer '
                f'{name!r}.{near_misses(name, known)}'
            )
    named = {f'module.{name}': tensor for name, tensor in tensors.items()}
    return functional_call(_Host(module), named, (function,))


def frozen_tensors(
    module: nn.Module,
    on_top: Mapping[str, Tensor] | None = None,
    exclude: Collection[str] = (),
) -> dict[str, Tensor]:
    """Detached parameters and cloned buffers of a module, for a swap.

    Under detached parameters a backward pass computes no weight gradient and
    calls no DDP hook; under cloned buffers no running statistic moves.

    Args:
        module (nn.Module): The module.
        on_top (Mapping[str, Tensor], optional): Tensors that take the place
            of those of the same name, detached or cloned too. Defaults to
            None.
        exclude (Collection[str]): Names of submodules that are left out with
            all they contain. Defaults to ``()``.

    Returns:
        dict[str, Tensor]: By name, as :func:`call_swapped` takes them.
    """
    tensors = dict(module.named_parameters())
    tensors.update(module.named_buffers())
    tensors.update(on_top or {})
    return {
        name: tensor.detach()
        if isinstance(tensor, nn.Parameter)
        else tensor.clone()
        for name, tensor in tensors.items()
        if not inside(name, exclude)
    }
