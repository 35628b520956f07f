# Copyright (c) aemim_mm contributors. All rights reserved.
"""Networks that only give targets: frozen, and run once in a step.

mmpretrain leaves some of them trainable and in training mode: the codebook of
BEiT v2's tokenizer would move with every forward pass.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from ..core.replaced import replaced

# Their names in the stock algorithms.
FROZEN = ('target_generator', 'teacher')


def frozen_networks(algorithm: nn.Module) -> list[nn.Module]:
    """The networks of an algorithm that only give targets."""
    networks = (getattr(algorithm, name, None) for name in FROZEN)
    return [n for n in networks if isinstance(n, nn.Module)]


@contextmanager
def remembered_targets(network: nn.Module) -> Iterator[list[Any]]:
    """Remember what a network returns meanwhile, in the order of its calls."""
    outputs: list[Any] = []
    handle = network.register_forward_hook(
        lambda module, args, output: outputs.append(output)
    )
    try:
        yield outputs
    finally:
        handle.remove()


@contextmanager
def repeated_targets(
    network: nn.Module, outputs: Sequence[Any]
) -> Iterator[None]:
    """Let a network return what it returned before, without running.

    RuntimeError if it is asked more often than it ran before.
    """
    rest = iter(outputs)

    def forward(*args, **kwargs) -> Any:
        for output in rest:
            return output
        raise RuntimeError(
            f'the second loss() of the step runs {type(network)} '
            f'more often than the first one, {len(outputs)} times'
        )

    with replaced(network, 'forward', forward):
        yield


@contextmanager
def stays_frozen(network: nn.Module) -> Iterator[None]:
    """Check that nothing trains a network meanwhile; waits for the device.

    RuntimeError if a parameter has another value afterwards.
    """
    before = [p.detach().clone() for p in network.parameters()]
    yield
    for old, new in zip(before, network.parameters(), strict=True):
        if not (new.is_meta or torch.equal(old, new)):
            raise RuntimeError(
                f'loss() changes {type(network).__name__}, which gives '
                'targets: in the second pass of a step it would be updated '
                'again, with the adversarial adapters. Put the update in a '
                'method of the algorithm and name it in '
                'aemim_mm.interception.rules.METHODS[...] = MethodRule('
                "once=('that_method',))"
            )
