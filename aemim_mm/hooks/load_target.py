# Copyright (c) aemim_mm contributors. All rights reserved.
"""What a runner is about to load weights into."""

from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from ..utils import pretrained_cfgs


def is_training(runner: Runner) -> bool:
    """Whether this is ``runner.train()``: it has built the optimizer."""
    wrapper = runner.optim_wrapper
    return wrapper is not None and not isinstance(wrapper, dict)


def unwrap(model: nn.Module) -> Any:
    """The model that mmengine loads into: no wrapper's keys are in a file.

    It is inside distributed and augmentation wrappers.
    """
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = model.module
    return model


def pretrained_parts(
    model: nn.Module,
) -> Iterator[tuple[str, nn.Module, Mapping]]:
    """Name, module and ``init_cfg`` of what starts from a checkpoint.

    The ``init_cfg`` is of type ``Pretrained``.
    """
    for name, module in model.named_modules():
        for cfg in pretrained_cfgs(module):
            yield name, module, cfg
