# Copyright (c) aemim_mm contributors. All rights reserved.
"""Run a model on the side without leaving a trace in its training."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn


@contextmanager
def isolated(model: nn.Module, seed: int) -> Iterator[None]:
    """Evaluation mode and random streams of its own for a ``with`` block.

    Inside, Python's, NumPy's and torch's global generators (CPU, and the CUDA
    devices that hold ``model``) start from ``seed`` and ``model`` is in
    evaluation mode, so that no running statistic moves and no layer
    synchronises with other processes. Afterwards the generators, the mode of
    every module and the value of every buffer are what they were before, also
    if the block raises. Parameters and their ``.grad`` are not touched: the
    block must not call ``backward()``.

    Args:
        model (nn.Module): The model that the block will run.
        seed (int): Seed of the block's random numbers, >= 0.

    Yields:
        None: Nothing.
    """
    modes = [(module, module.training) for module in model.modules()]
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    devices = sorted({p.device.index for p in model.parameters() if p.is_cuda})
    python_state, numpy_state = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices):
        try:
            random.seed(seed)
            np.random.seed(seed)
            torch.default_generator.manual_seed(seed)
            for device in devices:
                with torch.cuda.device(device):
                    torch.cuda.manual_seed(seed)
            model.eval()
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)
            # `train()` of a parent would overrule children that were frozen
            # in evaluation mode, so each module gets its own flag back.
            for module, training in modes:
                module.training = training
            with torch.no_grad():
                for buffer, value in buffers:
                    buffer.copy_(value)
