# Copyright (c) aemim_mm contributors. All rights reserved.
"""AdamW at the cost of few parameter groups."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from mmpretrain.registry import OPTIMIZERS


@OPTIMIZERS.register_module()
class MergedAdamW(torch.optim.AdamW):
    """AdamW that updates parameter groups with equal settings together.

    mmengine makes a parameter group of every weight as soon as some weights
    have their own settings (for example, norm layers without weight decay).
    torch updates the groups one after the other: hundreds of fused kernels
    instead of two, each with an overhead in Python. Here, groups with equal
    settings are updated as one group in each step. The results are
    bit-identical. Groups, schedulers and the state in checkpoints are those
    of :class:`torch.optim.AdamW`, so a run with one can be resumed with the
    other.

    Args:
        *args: As :class:`torch.optim.AdamW`.
        **kwargs: Likewise.
    """

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all weights.

        Args:
            closure (Callable, optional): Computes the loss again. It must not
                change ``param_groups``. Defaults to None.

        Returns:
            Any: What ``closure`` returns.
        """
        step: Any = super().step
        if getattr(step, 'hooked', False):
            # torch has made it call the hooks that it calls for ours, too.
            step = partial(step.__wrapped__, self)
        with self._merged():
            return step(closure)

    @contextmanager
    def _merged(self) -> Iterator[None]:
        groups = self.param_groups
        merged: dict[tuple, dict[str, Any]] = {}
        for group in groups:
            settings = tuple(
                tuple(value) if isinstance(value, list) else value
                for value in map(group.get, self.defaults)
            )
            one = merged.setdefault(settings, {**group, 'params': []})
            one['params'].extend(group['params'])
        self.param_groups = list(merged.values())
        try:
            yield
        finally:
            self.param_groups = groups
