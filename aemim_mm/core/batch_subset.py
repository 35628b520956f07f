# Copyright (c) aemim_mm contributors. All rights reserved.
"""Some images of a batch, and what belongs to them."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


class BatchSubset:
    """The images of a batch that get an adversarial example.

    Args:
        rows (Sequence[int], optional): Their indices. None means all of them,
            and then nothing is copied.
        batch_size (int): Number of images B in the batch.
    """

    def __init__(self, rows: Sequence[int] | None, batch_size: int) -> None:
        self.rows = rows
        self.batch_size = batch_size
        self._index: dict[torch.device, Tensor] = {}

    def of(self, value: Any) -> Any:
        """The rows of every per-image part of ``value``.

        Args:
            value (Any): Tensors whose first dimension is B and lists of B
                items are per-image; tuples, dicts, lists of another length
                and lists of views (B, ...) are searched; everything else is
                shared by the batch.

        Returns:
            Any: The same structure with R rows.
        """
        if self.rows is None:
            return value
        if isinstance(value, Tensor):
            if value.ndim == 0 or value.shape[0] != self.batch_size:
                return value
            return value.index_select(0, self._on(value.device))
        if isinstance(value, list):
            if len(value) == self.batch_size and not self._views(value):
                return [value[row] for row in self.rows]
            return [self.of(v) for v in value]
        if isinstance(value, tuple):
            return tuple(self.of(v) for v in value)
        if isinstance(value, dict):
            return {k: self.of(v) for k, v in value.items()}
        return value

    def _views(self, values: list[Any]) -> bool:
        return all(
            isinstance(v, Tensor) and v.shape[:1] == (self.batch_size,)
            for v in values
        )

    def _on(self, device: torch.device) -> Tensor:
        # The indices are born on the host (data samples need them there) and
        # are sent without waiting for the device.
        if device not in self._index:
            index = torch.tensor(self.rows)
            self._index[device] = index.to(device, non_blocking=True)
        return self._index[device]
