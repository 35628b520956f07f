# Copyright (c) aemim_mm contributors. All rights reserved.
"""Put something in the place of an instance's method for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_ABSENT = object()


@contextmanager
def replaced(owner: object, name: str, value: Any) -> Iterator[None]:
    """Set an attribute of the instance; what was there comes back."""
    own = vars(owner).get(name, _ABSENT)  # somebody may have patched it
    setattr(owner, name, value)
    try:
        yield
    finally:
        delattr(owner, name)
        if own is not _ABSENT:
            setattr(owner, name, own)
