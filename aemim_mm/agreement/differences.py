# Copyright (c) aemim_mm contributors. All rights reserved.
"""Where two configs differ."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ..utils import type_name

ABSENT = 'absent'
# Marks of a config's origin, and what a GPU or less memory asks for.
NO_MATTER = frozenset({'_scope_', 'with_cp', 'fused', 'foreach', 'verbose'})
# Different names of what computes the same, and classes that are registered by
# another name than theirs.
SAME = {
    'SyncBN': 'BN',
    'SyncBatchNorm': 'BN',
    'BatchNorm2d': 'BN',
    'BN2d': 'BN',
    'BatchNorm1d': 'BN1d',
    'LayerNorm': 'LN',
    'PretrainedInit': 'Pretrained',
    'MergedAdamW': 'AdamW',
}


def plain(value: Any, without: Collection[str] = ()) -> Any:
    """A part of a config in a form that can be compared.

    Tuples are lists, types have neither scope nor module, and what is None is
    left out, as are keys that do not matter.
    """
    if isinstance(value, Mapping):
        part = {
            str(key): plain(child, without)
            for key, child in value.items()
            if child is not None and key not in {*NO_MATTER, *without}
        }
        if 'type' in value:
            name = type_name(value['type'])
            part['type'] = SAME.get(name, name)
        return part
    if isinstance(value, list | tuple):
        return [plain(child, without) for child in value]
    return value


def differences(
    then: Any, now: Any, key: str
) -> Iterator[tuple[str, Any, Any]]:
    """Key and both values, where two plain parts of a config differ.

    They are as of :func:`plain`, and at ``key`` in the config.
    """
    if isinstance(then, dict) and isinstance(now, dict):
        kinds = then.get('type', ABSENT), now.get('type', ABSENT)
        if kinds[0] != kinds[1]:
            # Nothing else can be compared.
            yield f'{key}.type', *kinds
            return
        for name in {**then, **now}:
            sides = then.get(name, ABSENT), now.get(name, ABSENT)
            yield from differences(*sides, f'{key}.{name}')
    elif (
        isinstance(then, list)
        and isinstance(now, list)
        and len(then) == len(now)
    ):
        for index, sides in enumerate(zip(then, now, strict=True)):
            yield from differences(*sides, f'{key}.{index}')
    elif then != now:
        yield key, then, now


def listed(found: Collection[tuple[str, Any, Any]]) -> str:
    """Differences, at least one, as a text, the first three of them."""
    parts = [
        f'{key} was {_short(then)} and is {_short(now)}'
        for key, then, now in list(found)[:3]
    ]
    more = len(found) - len(parts)
    return '; '.join(parts) + (f'; and {more} more' if more else '')


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 100 else f'{text[:97]}...'
