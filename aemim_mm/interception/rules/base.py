# Copyright (c) aemim_mm contributors. All rights reserved.
"""The kinds of rules: how a mask is drawn, an encoder read, a method run."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ...core.mask_replay import MaskDraw


@dataclass(frozen=True)
class EncoderRule:
    """How to read one class of encoder, and to repeat its mask."""

    # item of the encoder's output that the distance uses. None: the whole
    # output, whether a tensor or several maps.
    features: int | None = None
    # the encoder's own draw of the mask. None: the mask is an argument of the
    # call.
    draw: MaskDraw | None = None

    def maps(self, output: Any) -> list[Tensor]:
        """The feature maps in an output of the encoder."""
        if self.features is not None:
            output = output[self.features]
        return [output] if isinstance(output, Tensor) else list(output)

    def with_maps(self, output: Any, maps: list[Tensor]) -> Any:
        """An output of the encoder with other feature maps in it."""
        old = output if self.features is None else output[self.features]
        new = maps[0] if isinstance(old, Tensor) else type(old)(maps)
        if self.features is None:
            return new
        items = list(output)
        items[self.features] = new
        return tuple(items)


def any_rows(count: int, batch_size: int) -> list[int]:
    """Choose ``count`` of ``batch_size`` images, in ascending order."""
    return sorted(random.sample(range(batch_size), count))


@dataclass(frozen=True)
class MethodRule:
    """What one MIM algorithm does besides calling its encoder on the image."""

    draw: MaskDraw | None = None  # the algorithm's own draw of the mask
    # maps an image (R, C, H, W) and the tensors that `draw` remembered to what
    # the algorithm gives to its encoder. None: the image itself.
    shown: Callable[..., Tensor] | None = None
    # methods that loss() calls for a side effect that is due once in a step:
    # they run in the clean pass alone
    once: tuple[str, ...] = ()
    # trained networks of the algorithm that run in the clean pass alone: they
    # get no adapters
    apart: tuple[str, ...] = ()
    # whether the encoder is shown an image of the algorithm's own making,
    # which the other passes do not make again: adversarial examples are sought
    # around that image
    own_image: bool = False
    # maps the wanted number of images and the batch size to the ascending rows
    # that get an adversarial example
    choose_rows: Callable[[int, int], list[int]] = any_rows
