# Copyright (c) aemim_mm contributors. All rights reserved.
from collections.abc import Sequence
from typing import Any

from mmcv.cnn.bricks import DropPath
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS
from torch import nn

# Where mmpretrain's transformers keep their blocks.
BLOCKS = ('backbone.layers', 'neck.decoder_blocks')


@HOOKS.register_module()
class CompileBlocksHook(Hook):
    """Compile the blocks of encoder and decoder with ``torch.compile``.

    Block by block: the blocks of a network share one graph, which compiles in
    seconds where a whole step takes minutes and breaks at every method's own
    code. AEMIM adds one graph to each, for the attack, whose parameters need
    no gradient. Keys of the state dict stay what they are.

    Of :class:`MAEMaskedDecoder` the first and the last block stay as they
    are, since it runs parts of them.

    Usage::

        custom_hooks = [dict(type='CompileBlocksHook')]

    Args:
        blocks (Sequence[str]): Names of module lists in the model, whose
            members are compiled. Defaults to ``('backbone.layers',
            'neck.decoder_blocks')``.
        **options: As :func:`compile_blocks` takes them.

    Raises:
        ValueError: At the start of training, if there is no such list.
    """

    def __init__(
        self,
        blocks: Sequence[str] = BLOCKS,
        **options: Any,
    ) -> None:
        self.blocks = (blocks,) if isinstance(blocks, str) else tuple(blocks)
        self.options = options

    def before_train(self, runner: Runner) -> None:
        """Compile.

        Args:
            runner (Runner): The runner of the training process.
        """
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        for name in self.blocks:
            count = compile_blocks(model, name, **self.options)
            print_log(
                f'{name}: {count} blocks; those that run as a whole are '
                'compiled at the first step',
                logger='current',
            )


def compile_blocks(model: nn.Module, name: str, **options: Any) -> int:
    """Compile the members of a module list, in place.

    Args:
        model (nn.Module): The model.
        name (str): Name of the list.
        **options: Keyword arguments of :func:`torch.compile`. ``dynamic``
            defaults to False: shapes do not change in pre-training.

    Returns:
        int: How many there are.

    Raises:
        ValueError: If there is no such list.
    """
    blocks = dict(model.named_modules()).get(name)
    if not isinstance(blocks, nn.ModuleList):
        lists = [
            name
            for name, module in model.named_modules()
            if isinstance(module, nn.ModuleList)
        ]
        raise ValueError(
            f'{type(model).__name__} has no list of blocks {name!r}; it has '
            f'{", ".join(lists) or "none"}'
        )
    for module in blocks.modules():
        # A number of numpy's breaks the graph.
        if isinstance(module, DropPath):
            module.drop_prob = float(module.drop_prob)
    for block in blocks:
        block.compile(**{'dynamic': False, **options})
    return len(blocks)
