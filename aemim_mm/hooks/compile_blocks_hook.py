# Copyright (c) aemim_mm contributors. All rights reserved.
from collections.abc import Sequence
from typing import Any

import torch
import torch._dynamo
from mmcv.cnn.bricks import DropPath
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS
from torch import nn

from .load_target import unwrap

# Where mmpretrain's transformers keep their blocks.
BLOCKS = ('backbone.layers', 'neck.decoder_blocks')
# No block needs more: clean, adversarial, attacked and reference images, in a
# full batch, the last one of an epoch and that of a figure.
GRAPHS_PER_BLOCK = 12


@HOOKS.register_module()
class CompileBlocksHook(Hook):
    """Compile the blocks of encoder and decoder with ``torch.compile``.

    Block by block: the blocks of a network share one graph, which compiles in
    seconds where a whole step takes minutes and breaks at every method's own
    code. AEMIM adds one graph to each, for the attack, whose parameters need
    no gradient. A smaller last batch of an epoch has its own graphs, and so
    has each block with its own rate of drop path. Keys of the state dict stay
    what they are.

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
        """Compile."""
        model = unwrap(runner.model)
        for name in self.blocks:
            count = compile_blocks(model, name, **self.options)
            print_log(
                f'{name}: {count} blocks; those that run as a whole are '
                'compiled at the first step',
                logger='current',
            )


def compile_blocks(model: nn.Module, name: str, **options: Any) -> int:
    """Compile the members of a module list, in place; give their number.

    torch falls back to eager mode at its limit of graphs for the same code, 8
    for all blocks together. It is raised to :data:`GRAPHS_PER_BLOCK` for each.

    The options are those of :func:`torch.compile`, with ``dynamic`` False
    where it is not given: shapes are few in pre-training. ValueError if there
    is no such list.
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
    limits = torch._dynamo.config
    # Names of torch 2.6, which later ones know as well.
    for limit in ('cache_size_limit', 'accumulated_cache_size_limit'):
        graphs = max(getattr(limits, limit), GRAPHS_PER_BLOCK * len(blocks))
        setattr(limits, limit, graphs)
    for block in blocks:
        block.compile(**{'dynamic': False, **options})
    return len(blocks)
