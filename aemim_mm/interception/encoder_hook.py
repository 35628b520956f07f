# Copyright (c) aemim_mm contributors. All rights reserved.
"""The one call of the encoder in a stock ``loss()``, seen and changed.

Every MIM algorithm makes one ``self.backbone(image, ...)`` call in its
``loss()``. In the clean pass the call is recorded; in the adversarial pass
another image is put in. The stock ``loss()`` does the rest and is never
copied. Its target stays clean because only the encoder sees the other image.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn


@dataclass
class SeenCall:
    """A call of the encoder, filled in while it runs."""

    image: Tensor | None = None  # what the algorithm gave it
    # the others, positional and by keyword
    arguments: tuple[tuple, dict[str, Any]] = ((), {})
    output: Any = None  # what it returned
    count: int = 0  # how often it was called


@contextmanager
def watched_encoder(
    encoder: nn.Module, image: Tensor | None = None
) -> Iterator[SeenCall]:
    """See the one call of the encoder meanwhile.

    The encoder gets ``image`` in place of what the algorithm gives it, if
    there is one. The record is complete afterwards. RuntimeError if the
    encoder was not called exactly once, or without an image as positional
    argument.
    """
    seen = SeenCall()

    def enter(module, args, kwargs):
        seen.count += 1
        if not args:
            raise RuntimeError(
                'AEMIMAlgorithm needs the image as the first positional '
                f'argument of {type(module).__name__}, but the algorithm '
                f'passes only keywords {sorted(kwargs)}'
            )
        seen.image, seen.arguments = args[0], (args[1:], kwargs)
        if image is not None:
            return (image, *args[1:]), kwargs
        return None

    def leave(module, args, output):
        seen.output = output

    # For this pass only: a deep copy of the model takes nothing along.
    handles = (
        encoder.register_forward_pre_hook(
            enter, prepend=True, with_kwargs=True
        ),
        encoder.register_forward_hook(leave, prepend=True),
    )
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()
    if seen.count != 1:
        raise RuntimeError(
            'AEMIMAlgorithm needs exactly one call of self.backbone(image,'
            f' ...) per loss(), but counted {seen.count}. Call the '
            'encoder once and reuse its output'
        )
