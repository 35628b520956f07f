# Copyright (c) aemim_mm contributors. All rights reserved.
"""Dotted names of modules and tensors."""

from collections.abc import Collection


def inside(name: str, modules: Collection[str]) -> bool:
    """Whether a dotted name is that of a module or of something in it.

    Such as ``'backbone.ln1.weight'``, which is in ``'backbone'``.
    """
    return any(name == m or name.startswith(f'{m}.') for m in modules)
