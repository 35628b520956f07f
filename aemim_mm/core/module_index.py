# Copyright (c) aemim_mm contributors. All rights reserved.
"""Where the modules and tensors of a model are, looked up once.

``named_parameters()`` and ``named_modules()`` walk the whole model at every
call, which costs the host milliseconds of each training step.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from itertools import chain
from operator import is_
from typing import Any, NamedTuple

from torch import Tensor, nn

from .names import inside

Place = tuple[dict[str, Any], str]


class Found(NamedTuple):
    """What one walk through a model found."""

    modules: dict[str, nn.Module]  # by name
    # by the name of a parameter or buffer every dict that holds it, and its
    # key there: tied ones have several
    places: dict[str, list[Place]]
    names: list[str]  # one name of every tensor, parameters first
    dicts: list[dict[str, Any]]  # the dicts that were walked through
    held: list[Any]  # what they held


class ModuleIndex:
    """The modules, parameters and buffers of a model by name.

    They are found at the first use and again when something in the model has
    been replaced, added, removed or tied since. A deep copy finds its own.

    Args:
        module (nn.Module): The model.
        exclude (Collection[str]): Names of submodules that are left out with
            all they contain. Defaults to ``()``.
    """

    def __init__(
        self, module: nn.Module, exclude: Collection[str] = ()
    ) -> None:
        self.module = module
        self.exclude = tuple(exclude)
        self._found: Found | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles do not take along what was found."""
        return {**vars(self), '_found': None}

    def modules(self) -> Mapping[str, nn.Module]:
        """All modules by name, as ``named_modules()`` gives them."""
        return self._look_up().modules

    def tensors(self) -> dict[str, Tensor]:
        """All parameters, then all buffers, by name; tied ones once."""
        found = self._look_up()
        firsts = ((name, found.places[name][0]) for name in found.names)
        return {name: owner[key] for name, (owner, key) in firsts}

    def frozen(
        self, on_top: Mapping[str, Tensor] | None = None
    ) -> dict[str, Tensor]:
        """Detached parameters and cloned buffers, for :meth:`swapped`.

        Under detached parameters a backward pass computes no weight gradient
        and calls no DDP hook; under cloned buffers no running statistic moves.

        Args:
            on_top (Mapping[str, Tensor], optional): Tensors that take the
                place of those of the same name, detached or cloned too.
                Defaults to None.

        Returns:
            dict[str, Tensor]: By name.
        """
        return {
            name: tensor.detach()
            if isinstance(tensor, nn.Parameter)
            else tensor.clone()
            for name, tensor in {**self.tensors(), **(on_top or {})}.items()
        }

    @contextmanager
    def swapped(self, tensors: Mapping[str, Tensor]) -> Iterator[None]:
        """Replace some tensors of the model for a while.

        Afterwards, also after an error, every name holds its own tensor
        again. Gradients flow to the tensors that were used. What is
        recomputed in the backward pass (activation checkpointing) would see
        the original tensors: do not combine the two.

        Args:
            tensors (Mapping[str, Tensor]): New tensors by name. A tied one is
                replaced wherever it is.

        Raises:
            KeyError: If a name is that of no parameter or buffer.
            ValueError: If two names are tied, and their tensors differ.
        """
        places = self._look_up().places
        for name in tensors:
            if name not in places:
                near = get_close_matches(name, places, n=1)
                raise KeyError(
                    f'{type(self.module).__name__} has no parameter or buffer '
                    f'{name!r}'
                    + (f'. Did you mean {near[0]!r}?' if near else '')
                )
        replaced = []
        tied: dict[int, Tensor] = {}
        try:
            for name, tensor in tensors.items():
                spots = places[name]
                if len(spots) > 1 and (
                    tied.setdefault(id(spots), tensor) is not tensor
                ):
                    raise ValueError(
                        f'{name!r} is tied to another name, for which there '
                        'is another tensor'
                    )
                for owner, key in spots:
                    replaced.append((owner, key, owner[key]))
                    owner[key] = tensor
            yield
        finally:
            for owner, key, tensor in reversed(replaced):
                owner[key] = tensor

    def _look_up(self) -> Found:
        found = self._found
        if found is not None:
            # By identity: it holds what it found, so no address is used anew.
            held = _contents(found.dicts)
            if len(held) == len(found.held) and all(
                map(is_, held, found.held)
            ):
                return found
        self._found = self._walk()
        return self._found

    def _walk(self) -> Found:
        modules = {
            name: module
            # A module in two places has two names, and each is good.
            for name, module in self.module.named_modules(
                remove_duplicate=False
            )
            if not inside(name, self.exclude)
        }
        dicts: list[dict[str, Any]] = []
        places: dict[str, list[Place]] = {}
        of_tensor: dict[int, list[Place]] = {}
        names = []
        for kind in ('_parameters', '_buffers'):
            for prefix, module in modules.items():
                owner = getattr(module, kind)
                dicts.append(owner)
                for key, tensor in owner.items():
                    if tensor is None:
                        continue
                    name = f'{prefix}.{key}' if prefix else key
                    if id(tensor) not in of_tensor:
                        names.append(name)
                        of_tensor[id(tensor)] = []
                    places[name] = of_tensor[id(tensor)]
                    places[name].append((owner, key))
        dicts += [module._modules for module in modules.values()]
        return Found(modules, places, names, dicts, _contents(dicts))


def _contents(dicts: list[dict[str, Any]]) -> list[Any]:
    # Without a loop in Python: it runs several times in a step.
    return list(chain.from_iterable(map(dict.values, dicts)))
