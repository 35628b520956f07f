# Copyright (c) aemim_mm contributors. All rights reserved.
"""Gradients that are taken now and handed over in the real backward pass.

A step that keeps the clean graph while it builds the adversarial one holds
the activations of two passes. Here the clean graph is differentiated and
freed first. ``torch.autograd.grad`` touches no ``.grad`` and calls no hook of
DistributedDataParallel; the real backward pass, which the training loop runs
as ever, finds one node that gives each parameter its stored gradient. So the
parameters get one sum, their hooks run once, and the loop does not change.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef

from .autocast import (
    autocast_dtype,
    without_autocast,
)
from .losses import Losses, total

# GradScaler's first scale; later ones are known from the last backward pass.
FIRST_SCALE = 2.0**16


class DeferredGradients:
    """Compute the gradients of a loss now, and return them in backward().

    In fp16 small gradients vanish unless the loss is scaled before its
    backward pass. GradScaler does this in the training loop, but its factor
    is not known here before that backward pass. Therefore the factor of the
    last step is used (:data:`FIRST_SCALE` in the first step), and the stored
    gradients are converted to the current factor when they are returned.
    Infinite gradients stay infinite, and the scaler skips the step as usual.
    """

    def __init__(self) -> None:
        self._factor: Tensor | None = None

    def take(
        self, losses: Losses, parameters: Iterable[nn.Parameter]
    ) -> tuple[Losses, 'StoredGradients | None']:
        """Compute the gradients of the losses and free their graph.

        Args:
            losses (Tensor | dict): A loss, or several; see
                :mod:`~aemim_mm.core.losses`.
            parameters (Iterable[nn.Parameter]): What is trained.

        Returns:
            tuple[Tensor | dict, StoredGradients | None]: The same values
            without their graph, and what :meth:`give` needs; None where no
            gradients are recorded.
        """
        loss = total(losses)
        if not loss.requires_grad:
            return losses, None
        parameters = [p for p in parameters if p.requires_grad]
        factor = self._scale(loss)
        with without_autocast(loss.device):
            grads = torch.autograd.grad(
                loss.float() * factor, parameters, allow_unused=True
            )
        used = [
            (parameter, grad)
            for parameter, grad in zip(parameters, grads, strict=True)
            if grad is not None
        ]
        return _detached(losses), StoredGradients(
            factor,
            [parameter for parameter, _ in used],
            [grad for _, grad in used],
        )

    def give(self, losses: Losses, stored: 'StoredGradients | None') -> Losses:
        """Attach the stored gradients to losses that have no graph.

        Call this after the other passes of the step: autograd runs the
        newest node first. The parameters then have their stored gradients
        before those of the other passes are added, and
        DistributedDataParallel sends each as soon as it is complete.

        Args:
            losses (Tensor | dict): What :meth:`take` returned.
            stored (StoredGradients, optional): Likewise. Its gradients are
                used up.

        Returns:
            Tensor | dict: The same values. A backward pass through the sum of
            the losses gives every parameter the gradient that the sum had,
            times the factor of that pass; a second one raises a RuntimeError.
            The losses are to be weighted alike, as mmengine's
            ``parse_losses`` does.
        """
        if stored is None:
            return losses
        if isinstance(losses, dict):
            first = next(key for key in losses if 'loss' in key)
            return {**losses, first: self.give(losses[first], stored)}
        if isinstance(losses, list | tuple):
            return [self.give(losses[0], stored), *losses[1:]]
        return _Stored.apply(self, stored, losses, *stored.parameters)

    def remember(self, factor: Tensor) -> None:
        """Note what the real backward pass multiplied the losses by.

        Args:
            factor (Tensor): A scalar. One that is 0 or not finite is no
                scale, and the last one stays.
        """
        # Not new_tensor: that copies from the host, which waits.
        last = factor.new_full((), FIRST_SCALE)
        last = last if self._factor is None else self._factor
        usable = factor.isfinite() & (factor > 0)
        self._factor = torch.where(usable, factor, last)

    def _scale(self, loss: Tensor) -> Tensor | float:
        if autocast_dtype(loss.device) != torch.float16:
            return 1.0
        return FIRST_SCALE if self._factor is None else self._factor


@dataclass
class StoredGradients:
    """Gradients that wait for the backward pass."""

    factor: Tensor | float  # what the losses were multiplied by
    parameters: list[nn.Parameter]  # whose the gradients are
    grads: list[Tensor]


class _Stored(torch.autograd.Function):
    """A value whose gradient is known already."""

    @staticmethod
    def forward(
        ctx: Any,
        owner: DeferredGradients,
        stored: StoredGradients,
        value: Tensor,
        *parameters: nn.Parameter,
    ) -> Tensor:
        """Pass the value through."""
        ctx.owner, ctx.stored = owner, stored
        return value.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        """Hand the gradients over, and forget them."""
        if not ctx.stored.grads:
            raise RuntimeError(
                'the gradients of the clean loss are handed over once; to '
                'differentiate a step twice leave out `deferred`, in a config '
                'set model.sequential_backward=False'
            )
        # The sum: a loss that is no scalar enters the total by its mean.
        factor = grad_output.detach().float().sum()
        ctx.owner.remember(factor)
        ratio = factor / ctx.stored.factor
        # In place, so that never two whole sets are there.
        grads = _apart(ctx.stored.grads)
        ctx.stored.grads.clear()
        torch._foreach_mul_(grads, ratio)
        return None, None, None, *grads


def _apart(grads: list[Tensor]) -> list[Tensor]:
    """The gradients, copied where others have the same memory.

    autograd may give two parameters the same tensor, and one number for all
    elements of a tensor.
    """
    seen: set[StorageWeakRef] = set()
    apart = []
    for grad in grads:
        memory = StorageWeakRef(grad.untyped_storage())
        if memory in seen or 0 in grad.stride():
            grad = grad.clone(memory_format=torch.contiguous_format)
        else:
            seen.add(memory)
        apart.append(grad)
    return apart


def _detached(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _detached(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_detached(item) for item in value]
    return value.detach()
