# Copyright (c) aemim_mm contributors. All rights reserved.
"""The tiny models of the tests, with their batches, on a GPU."""

from functools import partial

import torch
from toys import batch, build_aemim, move_twins, seeded, total_loss


def build(toy, sequential, **options):
    """AEMIM over a toy; the adversarial adapters differ from the clean."""
    model = build_aemim(
        toy, sequential_backward=sequential, loss_ratio=0.3, **options
    )
    return move_twins(model).cuda()


def batch_on_gpu(toy, seed=3):
    """The batch of a toy; masks of the pipeline are moved, too."""
    inputs, samples = batch(toy, seed=seed)
    if samples is not None:
        samples = [sample.to('cuda') for sample in samples]
    if isinstance(inputs, list):
        return [view.cuda() for view in inputs], samples
    return inputs.cuda(), samples


def losses_of(model, toy, dtype=None, seed=3):
    """One step's losses; the same draws for the same seed."""
    data = batch_on_gpu(toy, seed)
    with torch.autocast('cuda', dtype, enabled=dtype is not None):
        return seeded(partial(model, mode='loss'), *data, seed=seed)


def gradients(model, losses):
    """By name, in float64."""
    model.zero_grad()
    total_loss(losses).backward()
    return {
        name: parameter.grad.double()
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }
