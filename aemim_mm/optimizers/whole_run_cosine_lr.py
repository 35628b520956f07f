# Copyright (c) aemim_mm contributors. All rights reserved.
"""The cosine of timm, whose beginning the warm-up replaces."""

import math
from typing import Any

from mmengine.optim import CosineAnnealingLR
from mmpretrain.registry import PARAM_SCHEDULERS

INF = int(1e9)


@PARAM_SCHEDULERS.register_module()
class WholeRunCosineLR(CosineAnnealingLR):
    r"""A cosine over the whole run, which is used from ``begin`` on.

    It is that of timm's ``CosineLRScheduler`` with ``warmup_prefix=False``,
    and so of the official SimMIM. With t counted from the start of the run,

    .. math::
        \eta_t = \eta_{min} + \frac{1}{2}(\eta_{max} - \eta_{min})
        \left(1 + \cos\left(\frac{t}{T_{max}}\pi\right)\right).

    ``CosineAnnealingLR`` starts its cosine at ``begin``, after the warm-up,
    so its learning rate stays higher until the end.

    Args:
        optimizer (Optimizer or OptimWrapper): As ``CosineAnnealingLR``.
        T_max (int, optional): Length of the cosine, from the start of the
            run. None means ``end``. Defaults to None.
        begin (int): Step from which the cosine is used. Defaults to 0.
        end (int): Step up to which it is used. Defaults to INF.
        **kwargs: ``eta_min``, ``by_epoch`` and the others of
            ``CosineAnnealingLR``.
    """

    def __init__(
        self,
        optimizer: Any,
        T_max: int | None = None,
        begin: int = 0,
        end: int = INF,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            optimizer, T_max=T_max or end, begin=begin, end=end, **kwargs
        )

    def _get_value(self) -> list[float]:
        step = self.begin + self.last_step
        share = (1 + math.cos(math.pi * step / self.T_max)) / 2
        values = []
        for base in self.base_values:
            low = self.eta_min
            if self.eta_min_ratio is not None:
                low = base * self.eta_min_ratio
            values.append(low + (base - low) * share)
        return values
