# Copyright (c) aemim_mm contributors. All rights reserved.
"""Finding the MIM algorithm that AEMIM is built over, and joining the two."""

from functools import cache
from typing import Any

from mmpretrain.models.selfsup import BaseSelfSupervisor
from mmpretrain.registry import MODELS

from ..utils import near_misses


def stock_algorithm(
    method: str | type | None, plug_in: type
) -> type[BaseSelfSupervisor]:
    """The class that ``method``, a name in ``MODELS`` or a class, names.

    ValueError if it is not a self-supervised algorithm of its own, such as the
    plug-in that goes on top.
    """

    def fits(cls: Any) -> bool:
        return (
            isinstance(cls, type)
            and issubclass(cls, BaseSelfSupervisor)
            and not issubclass(cls, plug_in)
        )

    cls = MODELS.get(method) if isinstance(method, str) else method
    if fits(cls):
        return cls
    names = sorted(n for n, c in MODELS.module_dict.items() if fits(c))
    raise ValueError(
        f'unknown method {method!r}.{near_misses(str(method), names)} It must '
        f'be a self-supervised algorithm in MODELS: {names}'
    )


@cache
def joined(
    plug_in: type[BaseSelfSupervisor], stock: type[BaseSelfSupervisor]
) -> type[BaseSelfSupervisor]:
    """The class that is the plug-in first and the stock algorithm second.

    The plug-in's ``super()`` is the stock algorithm then. It is the same class
    for the same two. It has no importable name, so copies and pickles of its
    instances make it again.
    """
    return type(plug_in)(
        f'{plug_in.__name__}[{stock.__name__}]',
        (plug_in, stock),
        {
            '__module__': plug_in.__module__,
            '__doc__': plug_in.__doc__,
            '__reduce__': lambda self: (
                _blank,
                (plug_in, stock),
                self.__dict__,
            ),
        },
    )


def _blank(plug_in: type, stock: type) -> BaseSelfSupervisor:
    """An instance without state, for copy and pickle."""
    return object.__new__(joined(plug_in, stock))
