# Copyright (c) aemim_mm contributors. All rights reserved.
"""The clean pass is recorded; further passes repeat its mask and targets."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from torch import nn

from ..core.batch_subset import Rows
from ..core.mask_replay import MaskPin
from ..core.replaced import replaced
from .encoder_call import EncoderPort
from .frozen_network import FrozenNetwork
from .rules import (
    MethodRule,
    encoder_rule,
)

# Networks of the stock algorithms that are not trained: they give targets.
FROZEN = ('target_generator', 'teacher')


class Passes:
    """What the passes of one step share, over a stock algorithm.

    Args:
        algorithm (nn.Module): The algorithm, with its ``backbone``.
        rule (MethodRule): What it does besides calling its encoder.
    """

    def __init__(self, algorithm: nn.Module, rule: MethodRule) -> None:
        self.algorithm = algorithm
        self.rule = rule
        encoder = algorithm.backbone
        reading = encoder_rule(encoder)
        pin = None
        if reading.draw is not None:
            pin = MaskPin(encoder, reading.draw)
        elif rule.draw is not None:
            pin = MaskPin(algorithm, rule.draw)
        self.port = EncoderPort(encoder, reading, pin, rule.shown)
        networks = (getattr(algorithm, name, None) for name in FROZEN)
        self.frozen = [
            FrozenNetwork(network)
            for network in networks
            if isinstance(network, nn.Module)
        ]

    def freeze(self) -> None:
        """Put the networks that only give targets in evaluation mode."""
        for network in self.frozen:
            network.eval()

    @contextmanager
    def recording(self) -> Iterator[None]:
        """The clean pass: mask, encoder call and targets are remembered."""
        with ExitStack() as stack:
            stack.enter_context(self.port.recording())
            for network in self.frozen:
                stack.enter_context(network.recording())
            yield

    @contextmanager
    def repeating(self, rows: Rows, check: bool = False) -> Iterator[None]:
        """A further pass: mask and targets are those of the clean pass.

        Args:
            rows (Rows): Which rows of the recorded batch it has.
            check (bool): Whether to compare the frozen networks before and
                after, which waits for the device. Defaults to False.

        Raises:
            RuntimeError: If the pass changed a frozen network.
        """
        with ExitStack() as stack:
            if check:
                for network in self.frozen:
                    stack.enter_context(network.unchanged())
            stack.enter_context(self.port.pinned(rows))
            for network in self.frozen:
                stack.enter_context(network.repeating(rows))
            for name in self.rule.once:
                stack.enter_context(replaced(self.algorithm, name, _nothing))
            yield

    def release(self) -> None:
        """Forget the step, so that its graph can be freed."""
        self.port.release()
        for network in self.frozen:
            network.release()


def _nothing(*args, **kwargs) -> None:
    """What takes the place of a method that is due once in a step."""
