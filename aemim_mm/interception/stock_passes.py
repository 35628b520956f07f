# Copyright (c) aemim_mm contributors. All rights reserved.
"""The passes of a step over a stock algorithm, whose code is not copied."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from mmpretrain.models.selfsup import BaseSelfSupervisor
from torch import Tensor, nn

from ..core.encoder_call import EncoderCall
from ..core.losses import total
from ..core.mask_replay import remembered_mask, repeated_mask
from ..core.replaced import replaced
from .encoder_hook import watched_encoder
from .frozen_network import (
    frozen_networks,
    remembered_targets,
    repeated_targets,
)
from .rules import MethodRule, encoder_rule


class StockPasses:
    """Clean pass, encoding and adversarial pass over a stock algorithm.

    They are what :func:`aemim_mm.core.step.aemim_step` asks for. Nothing of a
    step is kept here: the clean pass yields a record, and the others get it,
    cut to their R images.

    The algorithm has its ``backbone``, and ``stock_loss``, the stock
    ``loss()``. A batch is inputs, data samples and keyword arguments of
    ``loss()``; it is that of the clean images in every pass.
    """

    def __init__(
        self, algorithm: BaseSelfSupervisor, rule: MethodRule
    ) -> None:
        self.algorithm = algorithm
        self.encoder: nn.Module = algorithm.backbone
        self.rule = rule
        self.reading = encoder_rule(self.encoder)
        # A method that masks by itself does so for an encoder that could.
        self.draw = rule.draw or self.reading.draw
        self.drawer = algorithm if rule.draw else self.encoder
        self.frozen = frozen_networks(algorithm)
        for network in self.frozen:
            network.requires_grad_(False)
        self.set_frozen_to_eval()

    def set_frozen_to_eval(self) -> None:
        """Put the networks that only give targets in evaluation mode."""
        for network in self.frozen:
            network.eval()

    def clean_pass(self, *batch: Any) -> tuple[dict[str, Any], EncoderCall]:
        """The stock ``loss()`` on the batch, L_c, and what the others repeat.

        RuntimeError if the encoder was not called exactly once, or no mask was
        drawn.
        """
        masks: list[Any] = []
        with ExitStack() as stack:
            if self.draw is not None:
                masks = stack.enter_context(
                    remembered_mask(self.drawer, self.draw)
                )
            seen = stack.enter_context(watched_encoder(self.encoder))
            targets = tuple(
                stack.enter_context(remembered_targets(network))
                for network in self.frozen
            )
            losses = self._loss(*batch)
        call = EncoderCall(
            self.reading.maps(seen.output),
            mask=masks[0] if masks else None,
            arguments=seen.arguments,
            output=seen.output,
            targets=tuple(map(tuple, targets)),
            image=seen.image if self.rule.own_image else None,
        )
        return losses, call

    def encode(self, image: Tensor, call: EncoderCall) -> list[Tensor]:
        """Features (R, ...) of images (R, C, H, W) under the recorded mask."""
        args, kwargs = call.arguments
        with self._same_mask(call):
            return self.reading.maps(
                self.encoder(self.as_shown(image, call), *args, **kwargs)
            )

    def adversarial_pass(
        self, image: Tensor, call: EncoderCall, *batch: Any
    ) -> tuple[dict[str, Any], list[Tensor]]:
        """The stock ``loss()``, whose encoder sees other images (R, C, H, W).

        L_a, and the features of these images.
        """
        with (
            self._repeated(call),
            watched_encoder(self.encoder, self.as_shown(image, call)) as seen,
        ):
            losses = self._loss(*batch)
        return losses, self.reading.maps(seen.output)

    def reconstruction(
        self, features: Sequence[Tensor], call: EncoderCall, *batch: Any
    ) -> Tensor:
        """The stock loss, a scalar, of features; nothing is encoded."""
        output = self.reading.with_maps(call.output, list(features))
        with (
            self._repeated(call),
            replaced(self.encoder, 'forward', lambda *_, **__: output),
        ):
            return total(self._loss(*batch))

    def as_shown(self, image: Tensor, call: EncoderCall) -> Tensor:
        """What the algorithm gives to its encoder for images (R, C, H, W).

        These, or what they are under the mask of the call.
        """
        shown: Callable[..., Tensor] | None = self.rule.shown
        return image if shown is None else shown(image, *call.mask)

    def _loss(self, inputs: Any, data_samples: Any, kwargs: dict) -> dict:
        return self.algorithm.stock_loss(inputs, data_samples, **kwargs)

    @contextmanager
    def _same_mask(self, call: EncoderCall) -> Iterator[None]:
        if self.draw is None:
            yield
            return
        with repeated_mask(self.drawer, self.draw, call.mask):
            yield

    @contextmanager
    def _repeated(self, call: EncoderCall) -> Iterator[None]:
        """A further pass: mask and targets are those of the clean pass."""
        with ExitStack() as stack:
            stack.enter_context(self._same_mask(call))
            for network, outputs in zip(
                self.frozen, call.targets, strict=True
            ):
                stack.enter_context(repeated_targets(network, outputs))
            for name in self.rule.once:
                stack.enter_context(replaced(self.algorithm, name, _nothing))
            yield


def _nothing(*args, **kwargs) -> None:
    """What takes the place of a method that is due once in a step."""
