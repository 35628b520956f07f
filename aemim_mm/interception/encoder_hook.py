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
    """A call of the encoder, filled in while it runs.

    Attributes:
        image (Tensor): What the algorithm gave it.
        arguments (tuple): Its other arguments, positional and by keyword.
        output (Any): What it returned.
        count (int): How often it was called.
    """

    image: Tensor | None = None
    arguments: tuple[tuple, dict[str, Any]] = ((), {})
    output: Any = None
    count: int = 0


@contextmanager
def watched_encoder(
    encoder: nn.Module, image: Tensor | None = None
) -> Iterator[SeenCall]:
    """See the one call of the encoder meanwhile.

    Args:
        encoder (nn.Module): The backbone.
        image (Tensor, optional): What the encoder gets instead of the image
            that the algorithm gives it. Defaults to None: nothing else.

    Yields:
        SeenCall: Afterwards, the call.

    Raises:
        RuntimeError: If the encoder was not called exactly once, or without
            an image as positional argument.
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
