# Copyright (c) aemim_mm contributors. All rights reserved.
"""Dotted names of modules and tensors."""

from collections.abc import Collection


def inside(name: str, modules: Collection[str]) -> bool:
    """Whether a dotted name is that of a module or of something in it.

    Args:
        name (str): Such as ``'backbone.ln1.weight'``.
        modules (Collection[str]): Names of modules, such as ``'backbone'``.

    Returns:
        bool: True if it lies in one of them.
    """
    return any(name == m or name.startswith(f'{m}.') for m in modules)
