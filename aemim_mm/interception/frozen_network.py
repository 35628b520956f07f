# Copyright (c) aemim_mm contributors. All rights reserved.
"""Networks that only give targets: frozen, and run once in a step."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from ..core.batch_subset import Rows
from ..core.replaced import replaced


class FrozenNetwork:
    """A tokenizer or teacher: no gradients, eval mode, one run per step.

    mmpretrain leaves some of them trainable and in training mode: the
    codebook of BEiT v2's tokenizer would move with every forward pass.

    Args:
        module (nn.Module): The network. Its parameters are frozen.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.outputs: list[Any] = []
        self._recording = False
        module.requires_grad_(False)
        module.register_forward_hook(self._leave)
        self.eval()

    def eval(self) -> None:
        """Put the network in evaluation mode."""
        self.module.eval()

    def _leave(self, module, args, output) -> None:
        if self._recording:
            self.outputs.append(output)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Remember what the network returns in the clean pass."""
        self.outputs = []
        self._recording = True
        try:
            yield
        finally:
            self._recording = False

    @contextmanager
    def repeating(self, rows: Rows) -> Iterator[None]:
        """Let the network return what it returned, without running.

        Args:
            rows (Rows): Which rows of the recorded batch are wanted.
        """
        outputs = iter(self.outputs)

        def forward(*args, **kwargs) -> Any:
            for output in outputs:
                return rows.of(output)
            raise RuntimeError(
                f'the second loss() of the step runs {type(self.module)} '
                f'more often than the first one, {len(self.outputs)} times'
            )

        with replaced(self.module, 'forward', forward):
            yield

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Check that nothing trains the network meanwhile.

        Raises:
            RuntimeError: If a parameter has another value afterwards.
        """
        before = [p.detach().clone() for p in self.module.parameters()]
        yield
        for old, new in zip(before, self.module.parameters(), strict=True):
            if not (new.is_meta or torch.equal(old, new)):
                raise RuntimeError(
                    f'loss() changes {type(self.module).__name__}, which '
                    'gives targets: in the second pass of a step it would be '
                    'updated again, with the adversarial adapters. Put the '
                    'update in a method of the algorithm and name it in '
                    'aemim_mm.interception.rules.METHODS[...] = MethodRule('
                    "once=('that_method',))"
                )

    def release(self) -> None:
        """Forget the step."""
        self.outputs = []
