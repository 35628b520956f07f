# Copyright (c) aemim_mm contributors. All rights reserved.
"""Run a model with other tensors: phi_a in the place of phi_c."""

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from difflib import get_close_matches
from typing import Any

from torch import Tensor, nn

from .adapter_bank import AdapterBank
from .autocast import cast_ahead
from .module_index import ModuleIndex
from .names import inside


class AdapterSwap:
    """Contexts that choose the adapters of a model, and whether it is trained.

    The model itself has phi_c. In each context its own modules run with other
    tensors. Afterwards the model has its own tensors again.

    Args:
        model (nn.Module): The auto-encoder F, parameters psi and phi_c.
        bank (AdapterBank): phi_a, copies of adapters of ``model``. It may be
            a submodule of ``model``.
        encoder (str): Name of the encoder E in ``model``. Defaults to ``''``,
            the model itself.
        exclude (Collection[str]): Names of submodules that are not trained.
            They are neither swapped nor frozen. Defaults to ``()``.

    Raises:
        ValueError: If the model has no such encoder.
    """

    def __init__(
        self,
        model: nn.Module,
        bank: AdapterBank,
        encoder: str = '',
        exclude: Collection[str] = (),
    ) -> None:
        names = [n for n, module in model.named_modules() if module is bank]
        self.bank = bank
        self.model = ModuleIndex(model, (*names, *exclude))
        self.encoder = encoder
        self._seen: Mapping[str, nn.Module] | None = None
        self._encoder_modules: list[nn.Module] = []
        if encoder not in self.model.modules():
            near = get_close_matches(encoder, self.model.modules(), n=1)
            raise ValueError(
                f'{type(model).__name__} has no submodule {encoder!r}'
                + (f'. Did you mean {near[0]!r}?' if near else '')
            )

    def encoder_modules(self) -> list[nn.Module]:
        """The encoder, and all modules in it."""
        everything = self.model.modules()
        if self._seen is not everything:  # another object after a change
            self._seen = everything
            self._encoder_modules = [
                module
                for name, module in everything.items()
                if not self.encoder or inside(name, (self.encoder,))
            ]
        return self._encoder_modules

    def clean_parameters(self) -> list[nn.Parameter]:
        """All parameters of psi and phi_c that are trained."""
        return [
            tensor
            for tensor in self.model.tensors().values()
            if isinstance(tensor, nn.Parameter) and tensor.requires_grad
        ]

    def adversarial(self) -> AbstractContextManager[None]:
        """Psi + phi_a, to be trained."""
        return self.model.swapped(self.bank.tensors())

    def frozen_adversarial(self) -> AbstractContextManager[None]:
        """Psi + phi_a, without parameter gradients, for the attack."""
        tensors = self.model.frozen(self.bank.tensors())
        return self.model.swapped(
            cast_ahead(self.model, tensors, within=self.encoder)
        )

    def frozen_clean(self) -> AbstractContextManager[None]:
        """Psi + phi_c, without parameter gradients."""
        return self.model.swapped(self.model.frozen())


def call_swapped(
    module: nn.Module,
    tensors: Mapping[str, Tensor],
    function: Callable[[], Any],
) -> Any:
    """Call ``function`` with some tensors of ``module`` replaced.

    For a single call; :class:`ModuleIndex` is for many.

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
    with ModuleIndex(module).swapped(tensors):
        return function()
