# Copyright (c) aemim_mm contributors. All rights reserved.
"""The adversarial adapters phi_a: twins of norm layers and class tokens."""

import copy
from collections.abc import Collection, Iterable, Iterator, MutableMapping

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from .module_index import ModuleIndex
from .names import inside

NORM_TYPES = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)


class AdapterBank(nn.Module):
    """Copies (twins) of a module's adapters, under the names of the originals.

    The bank holds a deep copy of every norm layer and/or class token of
    ``module``. The copy of ``backbone.layers.0.ln1`` is
    ``bank.backbone.layers.0.ln1``, so the bank's ``state_dict()`` has the keys
    of the originals, and ``bank.tensors()`` can be passed directly to
    :func:`torch.func.functional_call` or :func:`call_swapped`::

        bank = AdapterBank(model, ('norm',))
        clean = model(x)
        adversarial = functional_call(model, bank.tensors(), (x_adv,))

    It works with any module and does not change the module. It is ``phi_a``
    of Eq. 5 of AEMIM. The module's own tensors are ``phi_c``.

    Args:
        module (nn.Module): The module to take the adapters from.
        kinds (Collection[str]): Which adapters: a subset of ``'norm'`` (every
            layer of a normalisation class, with its buffers) and
            ``'cls_token'`` (every parameter of that name). Empty means no
            adapters. Defaults to ``('norm', )``.
        exclude (Collection[str]): Names of submodules that are left out with
            all they contain. Defaults to ``()``.

    Raises:
        ValueError: If a kind is unknown or the module has no such adapter.
    """

    KINDS = ('norm', 'cls_token')

    def __init__(
        self,
        module: nn.Module,
        kinds: Collection[str] = ('norm',),
        exclude: Collection[str] = (),
    ) -> None:
        super().__init__()
        self._index = ModuleIndex(self)
        self.kinds = check_kinds(kinds)
        exclude = tuple(exclude)
        if 'norm' in self.kinds:
            norms = list(_norms(module, exclude))
            if not norms:
                raise ValueError(
                    "adapters contains 'norm', but "
                    f'{type(module).__name__} has no normalisation layer'
                )
            for name, norm in norms:
                self._file(name, copy.deepcopy(norm))
        if 'cls_token' in self.kinds:
            tokens = list(_cls_tokens(module, exclude))
            if not tokens:
                raise ValueError(
                    "adapters contains 'cls_token', but "
                    f'{type(module).__name__} has no class token: use '
                    "adapters=('norm',)"
                )
            for name, token in tokens:
                twin = nn.Parameter(
                    token.detach().clone(), requires_grad=token.requires_grad
                )
                self._file(name, twin)

    def _file(self, name: str, twin: nn.Module | nn.Parameter) -> None:
        """Put ``twin`` under its dotted name, making folders on the way."""
        *folders, last = name.split('.')
        place: nn.Module = self
        for folder in folders:
            if folder not in place._modules:
                place.add_module(folder, nn.Module())
            place = place.get_submodule(folder)
        if isinstance(twin, nn.Module):
            place.add_module(last, twin)
        else:
            place.register_parameter(last, twin)

    def tensors(self) -> dict[str, Tensor]:
        """All parameters and buffers of the bank by their stock name.

        Returns:
            dict[str, Tensor]: The tensors themselves, not copies: gradients
            of results that are computed with them reach the bank.
        """
        return self._index.tensors()

    @torch.no_grad()
    def copy_from(self, module: nn.Module, skip: Collection[str] = ()) -> None:
        """Set every twin to the value of its original.

        Args:
            module (nn.Module): The module that has the originals.
            skip (Collection[str]): Names of twins that are not changed.
                Defaults to ``()``.
        """
        originals = ModuleIndex(module).tensors()
        for name, twin in self.tensors().items():
            if name not in skip:
                twin.copy_(originals[name])

    def fill_missing(
        self,
        state_dict: MutableMapping[str, Tensor],
        prefix: str,
        bank_prefix: str,
    ) -> set[str]:
        """Fill missing twins of a checkpoint with the values of the originals.

        Meant for a load-state-dict pre-hook of the module that has both the
        originals and the bank.

        Args:
            state_dict (MutableMapping[str, Tensor]): Changed in place.
            prefix (str): Prefix of the originals in ``state_dict``.
            bank_prefix (str): Prefix of the bank in ``state_dict``.

        Returns:
            set[str]: The twins that were there or could be filled.
        """
        found = set()
        for name in self.tensors():
            twin, original = bank_prefix + name, prefix + name
            if twin not in state_dict and original in state_dict:
                state_dict[twin] = state_dict[original].clone()
            if twin in state_dict:
                found.add(name)
        return found


def check_kinds(kinds: Iterable[str]) -> tuple[str, ...]:
    """A choice of adapters, of :attr:`AdapterBank.KINDS`, without duplicates.

    TypeError if it is a string or not a collection, ValueError if it contains
    anything else.
    """
    if isinstance(kinds, str) or not isinstance(kinds, Iterable):
        raise TypeError(
            'adapters must be a tuple such as '
            f"('norm',), ('norm', 'cls_token') or (), but got {kinds!r}"
        )
    kinds = tuple(dict.fromkeys(kinds))
    for kind in kinds:
        if kind not in AdapterBank.KINDS:
            raise ValueError(
                f'unknown adapter {kind!r}: choose from {AdapterBank.KINDS}'
            )
    return kinds


def _norms(
    module: nn.Module, exclude: tuple[str, ...]
) -> Iterator[tuple[str, nn.Module]]:
    for name, child in module.named_modules():
        if isinstance(child, NORM_TYPES) and not inside(name, exclude):
            yield name, child


def _cls_tokens(
    module: nn.Module, exclude: tuple[str, ...]
) -> Iterator[tuple[str, nn.Parameter]]:
    for name, parameter in module.named_parameters():
        last = name.rpartition('.')[2]
        if last == 'cls_token' and not inside(name, exclude):
            yield name, parameter
