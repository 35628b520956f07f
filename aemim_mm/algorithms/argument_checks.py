# Copyright (c) aemim_mm contributors. All rights reserved.
"""Arguments that AEMIMAlgorithm cannot work with, refused when it is built."""

import warnings
from collections.abc import Collection
from numbers import Real

from mmpretrain.models.necks import MAEPretrainDecoder
from torch import nn

from ..models.heads import MAEMaskedHead
from ..models.necks import MAEMaskedDecoder
from ..utils import allowed_keys, near_misses


def check_ratio(name: str, value: float, zero: bool) -> None:
    """Check that an argument is a number in [0, 1], or in (0, 1] without zero.

    TypeError if it is not a number, ValueError if it is out of range.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f'{name} must be a number, but got {value!r}')
    if not 0 <= value <= 1 or (value == 0 and not zero):
        interval = '[0, 1]' if zero else '(0, 1]'
        raise ValueError(f'{name} must be in {interval}, but got {value}')


def check_flag(name: str, value: bool) -> None:
    """Check that a switch is True or False: else a TypeError."""
    if not isinstance(value, bool):
        raise TypeError(f'{name} must be True or False, but got {value!r}')


def check_stock_arguments(
    stock: type[nn.Module], names: Collection[str], own: Collection[str]
) -> None:
    """Check the keys that are passed on to the stock algorithm.

    TypeError if it does not take one of them; ``own`` are the keys that
    AEMIMAlgorithm itself takes.
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
    """Check that the pixel scale is known: mean and std, or a ValueError."""
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
    """Check that decoder (neck), encoder and head belong together.

    ``MAEPretrainDecoder`` treats the first token as the class token. Without
    one (HiViT) every visible token is decoded at the place of its neighbour,
    of which is warned. ValueError if one of ``MAEMaskedDecoder`` and
    ``MAEMaskedHead`` is without the other, or the former without a class
    token.
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
