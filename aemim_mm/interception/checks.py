# Copyright (c) aemim_mm contributors. All rights reserved.
"""What AEMIMAlgorithm cannot work with, said before it does harm."""

import warnings
from collections.abc import Callable, Collection
from numbers import Real
from typing import Any

import torch
from mmengine.model import BaseModel
from mmpretrain.models.necks import MAEPretrainDecoder
from torch import Tensor, nn

from ..core.batch_subset import Rows
from ..core.names import inside
from ..models.heads import MAEMaskedHead
from ..models.necks import MAEMaskedDecoder
from ..utils import (
    allowed_keys,
    near_misses,
)

CHECKPOINT_FLAGS = (
    'with_cp',
    'use_checkpoint',
    'grad_checkpointing',
    'gradient_checkpointing',
)


def check_ratio(name: str, value: float, zero: bool) -> None:
    """Check that a ratio is a number in [0, 1] or (0, 1].

    Args:
        name (str): Name of the argument.
        value (float): Its value.
        zero (bool): Whether 0 is allowed.

    Raises:
        TypeError: If it is not a number.
        ValueError: If it is out of range.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f'{name} must be a number, but got {value!r}')
    if not 0 <= value <= 1 or (value == 0 and not zero):
        interval = '[0, 1]' if zero else '(0, 1]'
        raise ValueError(f'{name} must be in {interval}, but got {value}')


def check_flag(name: str, value: bool) -> None:
    """Check that a switch is True or False.

    Args:
        name (str): Name of the argument.
        value (bool): Its value.

    Raises:
        TypeError: If it is anything else.
    """
    if not isinstance(value, bool):
        raise TypeError(f'{name} must be True or False, but got {value!r}')


def check_stock_arguments(
    stock: type[nn.Module], names: Collection[str], own: Collection[str]
) -> None:
    """Check the keys that are passed on to the stock algorithm.

    Args:
        stock (type[nn.Module]): The stock algorithm.
        names (Collection[str]): Keys to pass on.
        own (Collection[str]): Keys that AEMIMAlgorithm itself takes.

    Raises:
        TypeError: If the stock algorithm does not take one of them.
    """
    allowed = allowed_keys(stock)
    if allowed is None:  # it takes anything
        return
    for name in names:
        if name not in allowed:
            known = sorted(allowed | set(own))
            raise TypeError(
                f'AEMIMAlgorithm(method={stock.__name__!r}) has no argument '
                f'{name!r}.{near_misses(name, known)} It takes {known}'
            )


def check_preprocessor(preprocessor: nn.Module) -> None:
    """Check that the pixel scale is known.

    Args:
        preprocessor (nn.Module): The data preprocessor.

    Raises:
        ValueError: If it has no mean and std.
    """
    for name in ('mean', 'std'):
        if getattr(preprocessor, name, None) is None:
            raise ValueError(
                f'{type(preprocessor).__name__} has no {name}, so the budget '
                'of the attack in 0-255 pixel values cannot be converted. '
                'Give data_preprocessor mean and std in 0-255 units'
            )


def check_decoder(
    encoder: nn.Module, neck: nn.Module | None, head: nn.Module | None
) -> None:
    """Check that decoder, encoder and head belong together.

    ``MAEPretrainDecoder`` treats the first token as the class token. Without
    one (HiViT) every visible token is decoded at the place of its neighbour,
    of which is warned.

    Args:
        encoder (nn.Module): The encoder.
        neck (nn.Module, optional): The decoder.
        head (nn.Module, optional): The head.

    Raises:
        ValueError: If one of ``MAEMaskedDecoder`` and ``MAEMaskedHead`` is
            without the other, or the former without a class token.
    """
    masked = isinstance(neck, MAEMaskedDecoder)
    if masked != isinstance(head, MAEMaskedHead):
        raise ValueError(
            f'MAEMaskedDecoder and MAEMaskedHead go together, but neck is '
            f'{type(neck).__name__} and head is {type(head).__name__}'
        )
    if getattr(encoder, 'cls_token', None) is not None:
        return
    if masked:
        raise ValueError(
            f'{type(encoder).__name__} has no class token, which '
            'MAEMaskedDecoder takes the first token for: use '
            "neck=dict(type='MAEPretrainDecoderNoCls', ...) and "
            "head=dict(type='MAEPretrainHead', ...)"
        )
    if getattr(type(neck), 'forward', None) is MAEPretrainDecoder.forward:
        warnings.warn(
            f'{type(encoder).__name__} has no class token, but '
            f'{type(neck).__name__} takes its first token for one and decodes '
            'the visible tokens at wrong places. Use '
            "neck=dict(type='MAEPretrainDecoderNoCls', ...), which takes the "
            'same arguments',
            stacklevel=2,
        )


def check_trainable(
    model: BaseModel, twins: Collection[str], exclude: Collection[str] = ()
) -> None:
    """Check what only shows once training starts.

    Args:
        model (BaseModel): The algorithm.
        twins (Collection[str]): Names of the tensors that have a twin.
        exclude (Collection[str]): Names of networks that have no backward
            pass. Defaults to ().

    Raises:
        RuntimeError: With activation checkpointing: the backward pass would
            recompute after the swap of the adapters has ended and give wrong
            gradients. With sharded parameters (FSDP, ZeRO-3): the swap works
            by name and needs whole tensors.
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

    Args:
        encoder (type[nn.Module]): Class of the encoder, for the message.
        maps (Collection): What is taken for the feature maps.
        batch_size (int): Number of images B.

    Raises:
        TypeError: If one of them is no floating-point tensor (B, ...).
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


def check_pinned(
    encoder: type[nn.Module],
    encode: Callable[[Rows], list[Tensor]],
    rows: Rows,
    recorded: list[Tensor] | None,
) -> None:
    """Check that an encoder repeats its output under the recorded mask.

    Args:
        encoder (type[nn.Module]): Class of the encoder, for the message.
        encode (Callable): Encodes rows of the clean batch again with the
            recorded arguments.
        rows (Rows): The rows that get an adversarial example. If their
            features depend on the rest of the batch, there is a warning.
        recorded (list[Tensor], optional): The feature maps of the clean pass.
            None compares two repetitions with each other.

    Raises:
        RuntimeError: If the features differ: the encoder, or the algorithm
            around it, draws a mask that the port does not know.
    """
    everything = Rows(None, rows.batch_size)
    with torch.random.fork_rng(_cuda_devices()):
        first = encode(everything)
        second = recorded if recorded is not None else encode(everything)
        some = encode(rows) if rows.rows is not None else []
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
    if some and _differ(some, rows.of(first)):
        warnings.warn(
            f'the features that {encoder.__name__} gives for an image depend '
            'on the other images of the batch, so with adv_ratio below 1 '
            'those of the chosen images differ from the reference. Batch '
            'normalisation does so, and is tolerable; if images are mixed, '
            'choose rows that belong together: aemim_mm.interception.rules.'
            'METHODS[...] = MethodRule(choose_rows=...)',
            stacklevel=2,
        )


def _differ(first: list[Tensor], second: list[Tensor]) -> bool:
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
