# Copyright (c) aemim_mm contributors. All rights reserved.
"""One mask for the clean pass, the attack and the adversarial pass."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from ..interception.rules import MaskDraw
from .batch_subset import Rows


class MaskPin:
    """Stands in for the method that draws: remembers the mask or replays it.

    An object, not a closure: a deep copy of the owner gets a pin of its own.

    Args:
        owner (nn.Module): The encoder or algorithm that draws.
        draw (MaskDraw): Names the method and how to replay it.
    """

    def __init__(self, owner: nn.Module, draw: MaskDraw) -> None:
        self.owner = owner
        self.draw = draw
        self.drawn: tuple[Tensor, ...] | None = None
        self._recording = False
        self._rows: Rows | None = None
        setattr(owner, draw.name, self)

    def __call__(self, *args, **kwargs) -> Any:
        """Replay if there are rows to replay, else draw as the class does."""
        if self._rows is not None:
            remembered = self._rows.of(self.drawn)
            return self.draw.replay(remembered, *args, **kwargs)
        draw = getattr(type(self.owner), self.draw.name)
        drawn = draw(self.owner, *args, **kwargs)
        if self._recording:
            self.drawn = self.draw.remember(drawn)
        return drawn

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Remember the mask that is drawn.

        Raises:
            RuntimeError: If none was drawn.
        """
        self.drawn = None
        self._recording = True
        try:
            yield
        finally:
            self._recording = False
        if self.drawn is None:
            raise RuntimeError(
                f'{type(self.owner).__name__} did not draw its mask by '
                f'{self.draw.name}(), so it cannot be pinned: the attack '
                'would see another mask than the reconstruction. A class with '
                'a draw of its own needs a rule in '
                'aemim_mm.interception.rules.ENCODERS; an encoder that does '
                'not mask (mask_ratio=0) cannot be pre-trained'
            )

    @contextmanager
    def replaying(self, rows: Rows) -> Iterator[None]:
        """Answer with the remembered mask.

        Args:
            rows (Rows): Which rows of the recorded batch are wanted.
        """
        self._rows = rows
        try:
            yield
        finally:
            self._rows = None

    def release(self) -> None:
        """Forget the step."""
        self.drawn = None
