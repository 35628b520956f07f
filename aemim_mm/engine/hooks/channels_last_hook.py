# Copyright (c) aemim_mm contributors. All rights reserved.
import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Keep the weights of convolutions with their channels last in memory.

    For convolutional encoders (SparK). The order of numbers in memory
    changes, no number does: checkpoints stay what they are. Vision
    transformers have nothing to gain: their patch embedding is a matrix
    product.

    Usage::

        custom_hooks = [dict(type='ChannelsLastHook')]
    """

    def before_train(self, runner: Runner) -> None:
        """Change the memory format, the optimizer's tensors stay.

        Args:
            runner (Runner): The runner of the training process.
        """
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        model.to(memory_format=torch.channels_last)
