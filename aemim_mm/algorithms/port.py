# Copyright (c) aemim_mm contributors. All rights reserved.
"""The encoder port: encode THIS image with THAT mask.

Every MIM algorithm makes one ``self.backbone(image, ...)`` call in its
``loss()``. The port sits on that call. In the clean pass it records the other
arguments, the mask and the output; in the adversarial pass it puts another
image in and replays the mask. The stock ``loss()`` does the rest and is never
copied. Its target stays clean because only the encoder sees the other image.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from .batches import Rows
from .encoder_rules import EncoderRule


class MaskPin:
    """Stands in for an encoder's mask draw: remembers it, or replays it.

    An object, not a closure: a deep copy of the encoder gets a pin of its own.

    Args:
        encoder (nn.Module): The encoder that draws.
        rule (EncoderRule): Names the draw and how to replay it.
    """

    def __init__(self, encoder: nn.Module, rule: EncoderRule) -> None:
        self.encoder = encoder
        self.rule = rule
        self.recording = False
        self.drawn: tuple[Tensor, ...] | None = None
        self.rows: Rows | None = None
        setattr(encoder, rule.draw, self)

    def __call__(self, *args, **kwargs) -> Any:
        """Replay if there are rows to replay, else draw as the class does."""
        if self.rows is not None:
            return self.rule.replay(self.rows.of(self.drawn), *args, **kwargs)
        draw = getattr(type(self.encoder), self.rule.draw)
        drawn = draw(self.encoder, *args, **kwargs)
        if self.recording:
            self.drawn = self.rule.remember(drawn)
        return drawn


class EncoderPort:
    """Records and replays the one call of the encoder in a stock ``loss()``.

    Args:
        encoder (nn.Module): The backbone.
        rule (EncoderRule, optional): What the table says of its class.
            Defaults to None: features only, mask by argument.
    """

    def __init__(
        self, encoder: nn.Module, rule: EncoderRule | None = None
    ) -> None:
        self.encoder = encoder
        self.rule = rule or EncoderRule()
        self.pin = MaskPin(encoder, self.rule) if self.rule.draw else None
        self.output: Any = None
        self._arguments: tuple[tuple, dict] = ((), {})
        self._replayed: tuple[tuple, dict] = ((), {})
        self._image: Tensor | None = None
        self._armed = False
        self._num_calls = 0
        encoder.register_forward_pre_hook(self._enter, with_kwargs=True)
        encoder.register_forward_hook(self._leave)

    def _enter(self, module, args, kwargs):
        if not self._armed:
            return None
        self._num_calls += 1
        if not args:
            raise RuntimeError(
                'the encoder port needs the image as the first positional '
                f'argument of {type(module).__name__}, but the algorithm '
                f'passes only keywords {sorted(kwargs)}'
            )
        if self._image is None:
            self._arguments = (args[1:], kwargs)
            return None
        self._replayed = (args[1:], kwargs)
        return (self._image, *args[1:]), kwargs

    def _leave(self, module, args, output):
        if self._armed:
            self.output = output

    @contextmanager
    def _arm(self, image: Tensor | None) -> Iterator[None]:
        self._armed, self._image, self._num_calls = True, image, 0
        try:
            yield
        finally:
            self._armed, self._image = False, None
        if self._num_calls != 1:
            raise RuntimeError(
                'AEMIMAlgorithm needs exactly one call of self.backbone(image,'
                f' ...) per loss(), but counted {self._num_calls}. Call the '
                'encoder once and reuse its output'
            )

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record the encoder call of the clean pass.

        Raises:
            RuntimeError: If the encoder was not called exactly once.
        """
        if self.pin:
            self.pin.recording = True
        try:
            with self._arm(None):
                yield
        finally:
            if self.pin:
                self.pin.recording = False
        if self.pin and self.pin.drawn is None:
            raise RuntimeError(
                f'{type(self.encoder).__name__} did not draw its mask by '
                f'{self.rule.draw}(), so it cannot be pinned: the attack '
                'would see another mask than the reconstruction. A class with '
                'a draw of its own needs a rule in '
                'aemim_mm.algorithms.encoder_rules.RULES; an encoder that '
                'does not mask (mask_ratio=0) cannot be pre-trained'
            )

    @contextmanager
    def replaying(self, image: Tensor, rows: Rows) -> Iterator[None]:
        """Let the next encoder call see ``image`` under the recorded mask.

        Args:
            image (Tensor): Images of the rows, (R, C, H, W).
            rows (Rows): Which rows of the recorded batch they are.

        Raises:
            RuntimeError: If the encoder was not called exactly once.
        """
        with self._arm(image), self._pinned(rows):
            yield

    def check_arguments(self, rows: Rows) -> None:
        """Check that both passes gave the encoder the same mask.

        It waits for the device: for the first step only.

        Args:
            rows (Rows): Which rows of the recorded batch the second pass had.

        Raises:
            RuntimeError: If the arguments of the two calls differ.
        """
        if not _equal(rows.of(self._arguments), self._replayed):
            raise RuntimeError(
                'the second loss() of the step gave the encoder other '
                'arguments than the first one: loss() draws a mask of its '
                'own. Draw it in the data pipeline and take it from '
                'data_samples, or in a method of the encoder with a rule in '
                'aemim_mm.algorithms.encoder_rules.RULES'
            )

    @contextmanager
    def _pinned(self, rows: Rows) -> Iterator[None]:
        if self.pin:
            self.pin.rows = rows
        try:
            yield
        finally:
            if self.pin:
                self.pin.rows = None

    def encode(self, image: Tensor, rows: Rows) -> Any:
        """Call the encoder with the recorded arguments and mask.

        Args:
            image (Tensor): Images of the rows, (R, C, H, W).
            rows (Rows): Which rows of the recorded batch they are.

        Returns:
            Any: The encoder's output.
        """
        args, kwargs = self._arguments
        with self._pinned(rows):
            return self.encoder(image, *rows.of(args), **rows.of(kwargs))

    @contextmanager
    def answering(self, output: Any) -> Iterator[None]:
        """Let the encoder return ``output`` instead of computing anything.

        Args:
            output (Any): What the encoder is to return.
        """
        own = vars(self.encoder).get('forward')
        self.encoder.forward = lambda *args, **kwargs: output
        try:
            yield
        finally:
            del self.encoder.forward
            if own is not None:  # somebody had patched the instance
                self.encoder.forward = own

    def maps(self, output: Any) -> list[Tensor]:
        """The feature maps in an output of the encoder."""
        return self.rule.maps(output)

    def with_maps(self, output: Any, maps: list[Tensor]) -> Any:
        """An output of the encoder with other feature maps in it."""
        return self.rule.with_maps(output, maps)

    def release(self) -> None:
        """Forget the step, so that its graph can be freed."""
        self.output = None
        self._arguments = self._replayed = ((), {})
        if self.pin:
            self.pin.drawn = None


def _equal(first: Any, second: Any) -> bool:
    if isinstance(first, Tensor):
        return (
            isinstance(second, Tensor)
            and first.shape == second.shape
            and torch.equal(first, second)
        )
    if isinstance(first, tuple | list):
        return len(first) == len(second) and all(map(_equal, first, second))
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(
            _equal(v, second[k]) for k, v in first.items()
        )
    return True
