# Copyright (c) aemim_mm contributors. All rights reserved.
"""What only shows once training starts: checked at the first step, here.

Most of these checks read values, for which the device has to be waited for.
"""

import warnings
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from ..core.batch_subset import BatchSubset
from ..core.dropout import active_dropout, switched_off
from ..core.encoder_call import EncoderCall
from ..core.names import inside
from ..core.swap import AdapterSwap
from .encoder_hook import watched_encoder
from .frozen_network import FROZEN, stays_frozen
from .rules import ENCODERS
from .stock_passes import StockPasses

CHECKPOINT_FLAGS = (
    'with_cp',
    'use_checkpoint',
    'grad_checkpointing',
    'gradient_checkpointing',
)


class CheckedPasses:
    """The passes of the first step, which say what cannot work.

    RuntimeError with activation checkpointing or sharded parameters.
    ``subset`` are the images that get an adversarial example.
    """

    def __init__(
        self, passes: StockPasses, swap: AdapterSwap, subset: BatchSubset
    ) -> None:
        check_trainable(passes.algorithm, swap.bank.tensors(), exclude=FROZEN)
        self.passes = passes
        self.swap = swap
        self.subset = subset
        self.encode = passes.encode
        self.reconstruction = passes.reconstruction

    def clean_pass(self, *batch: Any) -> tuple[dict[str, Any], EncoderCall]:
        """As :meth:`StockPasses.clean_pass`.

        RuntimeError if the encoder does not get the images of the batch, or
        does not repeat its features; TypeError if what it returns are no
        features.
        """
        with watched_encoder(self.passes.encoder) as seen:
            losses, call = self.passes.clean_pass(*batch)
        inputs = batch[0]
        images = inputs if isinstance(inputs, Tensor) else inputs[0]
        images = call.attacked(images)
        if not _equal(self.passes.as_shown(images, call), seen.image):
            raise RuntimeError(
                'the algorithm gives its encoder something else than the '
                'images of the batch, such as images that it has masked, so '
                'an adversarial example cannot take their place. Mask inside '
                'the encoder, or say what it is shown by a rule in '
                'aemim_mm.interception.rules.METHODS'
            )
        encoder = type(self.passes.encoder)
        check_features(encoder, call.features, len(images))
        if encoder not in ENCODERS:
            self._check_repeatable(images, call)
        return losses, call

    def adversarial_pass(
        self, image: Tensor, call: EncoderCall, *batch: Any
    ) -> tuple[dict[str, Any], list[Tensor]]:
        """As :meth:`StockPasses.adversarial_pass`.

        RuntimeError if the pass has another mask than the clean one, or
        changes a network that gives targets.
        """
        with ExitStack() as stack:
            for network in self.passes.frozen:
                stack.enter_context(stays_frozen(network))
            seen = stack.enter_context(watched_encoder(self.passes.encoder))
            result = self.passes.adversarial_pass(image, call, *batch)
        if not _equal(call.arguments, seen.arguments):
            raise RuntimeError(
                'the second loss() of the step gave the encoder other '
                'arguments than the first one: loss() draws a mask of its '
                'own. Draw it in the data pipeline and take it from '
                'data_samples, or in a method of the encoder with a rule in '
                'aemim_mm.interception.rules.ENCODERS'
            )
        return result

    def _check_repeatable(self, images: Tensor, call: EncoderCall) -> None:
        """Check that E(x; the recorded call) are the recorded features."""
        dropout = active_dropout(self.swap.encoder_modules())
        everything = BatchSubset(None, len(images))

        def encode(subset: BatchSubset) -> list[Tensor]:
            return [
                features.detach()
                for features in self.passes.encode(
                    subset.of(images), call.of(subset)
                )
            ]

        with switched_off(dropout), self.swap.frozen_clean():
            check_repeatable(
                type(self.passes.encoder),
                encode,
                self.subset,
                None if dropout else call.of(everything).features,
            )


def check_trainable(
    model: nn.Module, twins: Collection[str], exclude: Collection[str] = ()
) -> None:
    """Refuse activation checkpointing and sharded parameters: RuntimeError.

    With activation checkpointing the backward pass would recompute after the
    swap of the adapters has ended, and give wrong gradients; networks in
    ``exclude`` have no backward pass. With sharded parameters (FSDP, ZeRO-3)
    the swap, which works by name, finds no whole tensors; ``twins`` are the
    names of those that have a twin.
    """
    for name, module in model.named_modules():
        if _checkpoints(module) and not inside(name, exclude):
            raise RuntimeError(
                f'activation checkpointing is on in {name!r} '
                f'({type(module).__name__}). The recomputation in the backward'
                ' pass would use the clean adapters for the adversarial '
                'branch and silently give wrong gradients. Switch it off in '
                'pre-training (with_cp, use_checkpoint, '
                'activation_checkpointing) and lower the batch size or use '
                'optim_wrapper.accumulative_counts instead'
            )
    parameters = dict(model.named_parameters())
    names = parameters.keys() | dict(model.named_buffers()).keys()
    sharded = [n for n in twins if n not in names] or [
        n for n, p in parameters.items() if _sharded(p)
    ]
    if sharded:
        raise RuntimeError(
            f'{sharded[0]!r} is sharded (FSDP or ZeRO-3), but AEMIM swaps '
            'whole norm layers by name. Use DistributedDataParallel (the '
            'default), optionally with ZeRO-1/2 style optimizers'
        )


def check_features(
    encoder: type[nn.Module], maps: Collection[Any], batch_size: int
) -> None:
    """Check that what the distance is to use are feature maps.

    TypeError if one of them is no floating-point tensor (B, ...).
    """
    for item in maps:
        if (
            not isinstance(item, Tensor)
            or not item.is_floating_point()
            or item.ndim < 2
            or item.shape[0] != batch_size
        ):
            what = type(item).__name__
            if isinstance(item, Tensor):
                what = f'a tensor {tuple(item.shape)} of {item.dtype}'
            raise TypeError(
                f'{encoder.__name__} returns {what} among its features, but '
                f'floating-point tensors ({batch_size}, ...) were expected. '
                'Say which item of its output holds the features: '
                f'aemim_mm.interception.rules.ENCODERS[{encoder.__name__}] = '
                'EncoderRule(features=0)'
            )


def check_repeatable(
    encoder: type[nn.Module],
    encode: Callable[[BatchSubset], Sequence[Tensor]],
    subset: BatchSubset,
    recorded: Sequence[Tensor] | None,
) -> None:
    """Check that an encoder repeats its output under the recorded mask.

    ``encode`` encodes some images of the clean batch again with the recorded
    arguments. Its features are compared with ``recorded``, the maps of the
    clean pass, or with a second repetition where that is None. RuntimeError if
    they differ: the encoder, or the algorithm around it, draws a mask that is
    not known. A warning if those of ``subset``, the images that get an
    adversarial example, depend on the rest of the batch.
    """
    everything = BatchSubset(None, subset.batch_size)
    with torch.random.fork_rng(_cuda_devices()):
        first = encode(everything)
        second = recorded if recorded is not None else encode(everything)
        some = encode(subset) if subset.rows is not None else []
    if _differ(first, second):
        raise RuntimeError(
            f'{encoder.__name__} does not repeat its features for the same '
            'image and arguments, so the attack would see another mask than '
            'the reconstruction. Pass the mask to the encoder as an argument, '
            'or add a rule for its mask draw to '
            'aemim_mm.interception.rules.ENCODERS. If it drops something at '
            'random, use modules (nn.Dropout, DropPath), not functions: '
            'modules can be switched off for the attack'
        )
    if some and _differ(some, [subset.of(f) for f in first]):
        warnings.warn(
            f'the features that {encoder.__name__} gives for an image depend '
            'on the other images of the batch, so with adv_ratio below 1 '
            'those of the chosen images differ from the reference. Batch '
            'normalisation does so, and is tolerable; if images are mixed, '
            'choose rows that belong together: aemim_mm.interception.rules.'
            'METHODS[...] = MethodRule(choose_rows=...)',
            stacklevel=2,
        )


def _differ(first: Sequence[Tensor], second: Sequence[Tensor]) -> bool:
    return any(
        (a - b).abs().max() > 1e-2 * b.abs().max()
        for a, b in zip(first, second, strict=True)
    )


def _cuda_devices() -> list[int]:
    return [torch.cuda.current_device()] if torch.cuda.is_available() else []


def _checkpoints(module: nn.Module) -> bool:
    if any(getattr(module, flag, False) is True for flag in CHECKPOINT_FLAGS):
        return True
    if type(module).__name__ == 'CheckpointWrapper':
        return True
    forward = vars(module).get('forward')
    where = getattr(forward, '__globals__', {}).get('__name__', '')
    return where == 'mmengine.runner.activation_checkpointing'


def _sharded(tensor) -> bool:
    return (
        # FSDP puts plain tensors, views of its own, in the place of parameters
        not isinstance(tensor, nn.Parameter)
        or type(tensor).__name__ == 'DTensor'
        or hasattr(tensor, 'ds_status')
        or getattr(tensor, '_fsdp_flattened', False)
        or type(tensor).__name__ == 'FlatParameter'
    )


def _equal(first: Any, second: Any) -> bool:
    if isinstance(first, Tensor):
        return first is second or (
            isinstance(second, Tensor)
            and first.shape == second.shape
            and first.dtype == second.dtype
            # a tensor on 'meta' has no values to compare
            and (first.is_meta or torch.equal(first, second))
        )
    if isinstance(first, tuple | list):
        return len(first) == len(second) and all(map(_equal, first, second))
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(
            _equal(v, second[k]) for k, v in first.items()
        )
    return True
