# Copyright (c) aemim_mm contributors. All rights reserved.
"""A mask that is drawn inside the model, remembered and drawn again.

Most masked auto-encoders draw their mask within ``forward()``. Here the
method that draws is watched in the clean pass and answered for in the other
passes, so that all of them have one mask.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from .replaced import replaced


@dataclass(frozen=True)
class MaskDraw:
    """A method that draws the mask inside the model, and how to repeat it.

    Args:
        name (str): Name of the method that draws.
        remember (Callable): Maps what the method returned to the tensors that
            identify the mask: a tuple of tensors. Those whose first dimension
            is the batch are cut to the rows of the second pass; others belong
            to the batch as a whole.
        replay (Callable): Called as ``replay(remembered, *args, **kwargs)``
            with the arguments of the draw; returns what the method would
            return for this mask.
    """

    name: str
    remember: Callable[[Any], tuple[Tensor, ...]]
    replay: Callable[..., Any]


@contextmanager
def remembered_mask(
    owner: object, draw: MaskDraw
) -> Iterator[list[tuple[Tensor, ...]]]:
    """Remember the mask that a model draws meanwhile.

    Args:
        owner (object): What has the method that draws.
        draw (MaskDraw): Names the method.

    Yields:
        list[tuple[Tensor, ...]]: Afterwards its one item is the mask.

    Raises:
        RuntimeError: If none was drawn.
    """
    method = getattr(owner, draw.name)
    masks: list[tuple[Tensor, ...]] = []

    def watched(*args: Any, **kwargs: Any) -> Any:
        drawn = method(*args, **kwargs)
        masks[:] = [draw.remember(drawn)]
        return drawn

    with replaced(owner, draw.name, watched):
        yield masks
    if not masks:
        raise RuntimeError(
            f'{type(owner).__name__} did not draw its mask by {draw.name}(), '
            'so it cannot be repeated: the attack would see another mask than '
            'the reconstruction. A class with a draw of its own needs a '
            'MaskDraw of its own (for encoders of mmpretrain in '
            'aemim_mm.interception.rules.ENCODERS); an encoder that does not '
            'mask (mask_ratio=0) cannot be pre-trained'
        )


@contextmanager
def repeated_mask(
    owner: object, draw: MaskDraw, mask: tuple[Tensor, ...]
) -> Iterator[None]:
    """Let a model draw a mask that is known.

    Args:
        owner (object): What has the method that draws.
        draw (MaskDraw): Names the method and how to replay it.
        mask (tuple[Tensor, ...]): What :func:`remembered_mask` gave, or rows
            of it.
    """

    def replay(*args: Any, **kwargs: Any) -> Any:
        return draw.replay(mask, *args, **kwargs)

    with replaced(owner, draw.name, replay):
        yield
