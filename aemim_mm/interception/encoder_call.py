# Copyright (c) aemim_mm contributors. All rights reserved.
"""The encoder port: encode THIS image with THAT mask.

Every MIM algorithm makes one ``self.backbone(image, ...)`` call in its
``loss()``. The port sits on that call. In the clean pass it records the other
arguments, the mask and the output; in the adversarial pass it puts another
image in and replays the mask. The stock ``loss()`` does the rest and is never
copied. Its target stays clean because only the encoder sees the other image.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from ..core.batch_subset import Rows
from ..core.mask_replay import MaskPin
from ..core.replaced import replaced
from .rules import EncoderRule


class EncoderPort:
    """Records and replays the one call of the encoder in a stock ``loss()``.

    Args:
        encoder (nn.Module): The backbone.
        rule (EncoderRule): Which part of its output are the features.
        pin (MaskPin, optional): Repeats the mask that is drawn inside the
            model. Defaults to None: the mask is an argument of the call.
        shown (Callable, optional): Maps an image and the pinned mask to what
            the encoder gets for it. Defaults to None: the image itself.
    """

    def __init__(
        self,
        encoder: nn.Module,
        rule: EncoderRule,
        pin: MaskPin | None = None,
        shown: Callable[..., Tensor] | None = None,
    ) -> None:
        self.encoder = encoder
        self.rule = rule
        self.pin = pin
        self.shown = shown
        self.output: Any = None
        self._arguments: tuple[tuple, dict] = ((), {})
        self._replayed: tuple[tuple, dict] = ((), {})
        self._recorded_image: Tensor | None = None
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
            self._recorded_image = args[0]
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
            RuntimeError: If the encoder was not called exactly once, or drew
                no mask.
        """
        pin = self.pin.recording() if self.pin else nullcontext()
        with pin, self._arm(None):
            yield

    @contextmanager
    def replaying(self, image: Tensor, rows: Rows) -> Iterator[None]:
        """Let the next encoder call see ``image``; :meth:`pinned` its mask.

        Args:
            image (Tensor): Images of the rows, (R, C, H, W).
            rows (Rows): Which rows of the recorded batch they are.

        Raises:
            RuntimeError: If the encoder was not called exactly once.
        """
        with self._arm(self._as_shown(image, rows)):
            yield

    def check_image(self, image: Tensor) -> None:
        """Check that the encoder got the batch's images in the clean pass.

        It waits for the device: for the first step only.

        Args:
            image (Tensor): The images of the batch, (B, C, H, W).

        Raises:
            RuntimeError: If it got something else.
        """
        shown = self._as_shown(image, Rows(None, len(image)))
        if not _equal(shown, self._recorded_image):
            raise RuntimeError(
                'the algorithm gives its encoder something else than the '
                'images of the batch, such as images that it has masked, so '
                'an adversarial example cannot take their place. Mask inside '
                'the encoder, or say what it is shown by a rule in '
                'aemim_mm.interception.rules.METHODS'
            )

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
                'aemim_mm.interception.rules.ENCODERS'
            )

    def _as_shown(self, image: Tensor, rows: Rows) -> Tensor:
        if self.shown is None:
            return image
        return self.shown(image, *rows.of(self.pin.drawn))

    @contextmanager
    def pinned(self, rows: Rows) -> Iterator[None]:
        """Repeat the recorded mask wherever it is drawn.

        Args:
            rows (Rows): Which rows of the recorded batch are wanted.
        """
        with self.pin.replaying(rows) if self.pin else nullcontext():
            yield

    def encode(self, image: Tensor, rows: Rows) -> Any:
        """Call the encoder with the recorded arguments and mask.

        Args:
            image (Tensor): Images of the rows, (R, C, H, W).
            rows (Rows): Which rows of the recorded batch they are.

        Returns:
            Any: The encoder's output.
        """
        args, kwargs = self._arguments
        image = self._as_shown(image, rows)
        with self.pinned(rows):
            return self.encoder(image, *rows.of(args), **rows.of(kwargs))

    @contextmanager
    def answering(self, output: Any) -> Iterator[None]:
        """Let the encoder return ``output`` instead of computing anything.

        Args:
            output (Any): What the encoder is to return.
        """
        with replaced(self.encoder, 'forward', lambda *_, **__: output):
            yield

    def maps(self, output: Any) -> list[Tensor]:
        """The feature maps in an output of the encoder."""
        return self.rule.maps(output)

    def with_maps(self, output: Any, maps: list[Tensor]) -> Any:
        """An output of the encoder with other feature maps in it."""
        return self.rule.with_maps(output, maps)

    def release(self) -> None:
        """Forget the step, so that its graph can be freed."""
        self.output = self._recorded_image = None
        self._arguments = self._replayed = ((), {})
        if self.pin:
            self.pin.release()


def _equal(first: Any, second: Any) -> bool:
    if isinstance(first, Tensor):
        return first is second or (
            isinstance(second, Tensor)
            and first.shape == second.shape
            and first.dtype == second.dtype
            # a tensor on 'meta' has no values to compare
            and (first.is_meta or torch.equal(first, second))
        )
    if isinstance(first, tuple | list):
        return len(first) == len(second) and all(map(_equal, first, second))
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(
            _equal(v, second[k]) for k, v in first.items()
        )
    return True
