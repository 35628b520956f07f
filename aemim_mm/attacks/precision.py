# Copyright (c) aemim_mm contributors. All rights reserved.
"""Float32 that is float32, and gradients that are there."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import torch

# Owner below torch.backends, attribute, and its value without TF32. Those
# for one operator are there since torch 2.9 and go before the older ones.
_SWITCHES = (
    ('cudnn', 'allow_tf32', False),
    ('cuda.matmul', 'fp32_precision', 'ieee'),
    ('cudnn.conv', 'fp32_precision', 'ieee'),
    ('cudnn.rnn', 'fp32_precision', 'ieee'),
)


@contextmanager
def full_precision() -> Iterator[None]:
    """Attack and evaluate in float32, independent of the settings outside.

    Inside, autocast, TF32 and inference mode are off. With fewer bits, the
    small gradients of a confident network become 0 and ``sign(0) = 0``: the
    attack does not change the image, and the network looks robust. If images
    are rounded to bfloat16, perturbations of less than one pixel value
    vanish, too. Afterwards all settings are restored. Whether gradients are
    recorded is not changed.

    Yields:
        None: Nothing.
    """
    devices = {'cpu'}
    if torch.accelerator.is_available():
        devices.add(torch.accelerator.current_accelerator().type)
    with ExitStack() as stack:
        grad = torch.is_grad_enabled()
        stack.enter_context(torch.inference_mode(False))
        # Leaving inference mode switches the recording of gradients on.
        stack.enter_context(torch.set_grad_enabled(grad))
        for device in devices:
            stack.enter_context(torch.autocast(device, enabled=False))
        stack.enter_context(_without_tf32())
        yield


@contextmanager
def _without_tf32() -> Iterator[None]:
    # All are read before one is set: the newer ones follow the older ones.
    switches = list(_read_switches())
    precision = None
    with suppress(RuntimeError):
        precision = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision('highest')
    for owner, name, _, off in switches:
        setattr(owner, name, off)
    try:
        yield
    finally:
        if precision is not None:
            torch.set_float32_matmul_precision(precision)
        for owner, name, value, _ in switches:
            setattr(owner, name, value)


def _read_switches() -> Iterator[tuple[Any, str, Any, Any]]:
    for path, name, off in _SWITCHES:
        owner: Any = torch.backends
        for part in path.split('.'):
            owner = getattr(owner, part, None)
        # Older torch lacks some. Older switches cannot be read where a newer
        # one contradicts them.
        with suppress(AttributeError, RuntimeError):
            yield owner, name, getattr(owner, name), off
