# Copyright (c) aemim_mm contributors. All rights reserved.
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS
from torch import Tensor

from .load_target import unwrap


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Keep the weights of convolutions with their channels last in memory.

    For convolutional encoders (SparK). Only the order of the numbers in
    memory changes. Vision transformers do not get faster, because their patch
    embedding is a matrix product. A run without this hook can be resumed with
    it, but not the other way round: fused optimizers expect their moments in
    the order of the weights, and checkpoints keep the order.

    Usage::

        custom_hooks = [dict(type='ChannelsLastHook')]
    """

    def before_train(self, runner: Runner) -> None:
        """Change the memory format of weights and optimizer's moments."""
        model = unwrap(runner.model)
        model.to(memory_format=torch.channels_last)
        for state in runner.optim_wrapper.optimizer.state.values():
            for name, value in state.items():
                if isinstance(value, Tensor) and value.ndim == 4:
                    state[name] = value.to(memory_format=torch.channels_last)
