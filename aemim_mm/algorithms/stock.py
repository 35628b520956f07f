# Copyright (c) aemim_mm contributors. All rights reserved.
"""Finding the MIM algorithm that AEMIM is built over."""

from typing import Any

from mmpretrain.models.selfsup import BaseSelfSupervisor
from mmpretrain.registry import MODELS

from ..utils import near_misses


def stock_algorithm(
    method: str | type | None, plug_in: type
) -> type[BaseSelfSupervisor]:
    """The stock algorithm that ``method`` names.

    Args:
        method (str | type, optional): Name in ``MODELS``, or the class.
        plug_in (type): The class that goes on top; it is not a method.

    Returns:
        type[BaseSelfSupervisor]: The class.

    Raises:
        ValueError: If it is not a self-supervised algorithm of its own.
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
