# Copyright (c) aemim_mm contributors. All rights reserved.
"""mmcv's feed-forward network without the look at its own signature."""

import inspect

from mmcv.cnn.bricks.transformer import FFN
from torch import nn


class DirectFFN(FFN):
    """mmcv's FFN, called directly.

    The stock ``forward`` is wrapped: for the sake of an argument that was
    renamed once it inspects its own signature at every call, which costs the
    host more than to start the operations. Here it is called unwrapped.
    """

    forward = inspect.unwrap(FFN.forward)

    @classmethod
    def take_over(cls, module: nn.Module) -> None:
        """Let stock feed-forward networks in a module be of this class.

        They stay the objects they are, with their parameters, hooks and names.
        Subclasses of the stock class are left alone.
        """
        for layer in module.modules():
            if type(layer) is FFN:
                layer.__class__ = cls
