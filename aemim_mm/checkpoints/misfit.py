# Copyright (c) aemim_mm contributors. All rights reserved.
"""What to tell the user of a checkpoint that does not fit."""

from collections import Counter
from collections.abc import Iterable, Mapping

from .fit import (
    CheckpointFit,
    state_dict_of,
)
from .foreign import advice

# How many keys a message lists.
_SHOWN = 5


def describe_keys(title: str, keys: Mapping[str, str] | tuple) -> str:
    """One line with the first few keys and the number of the rest.

    A mapping has what there is to say about each. Empty if there are no keys.
    """
    if not keys:
        return ''
    shown = [
        f'{key} ({keys[key]})' if isinstance(keys, Mapping) else key
        for key in list(keys)[:_SHOWN]
    ]
    rest = len(keys) - len(shown)
    more = f', and {rest} more' if rest else ''
    return f'\n  {title}: {", ".join(shown)}{more}'


def describe_prefixes(checkpoint: Mapping) -> str:
    """The first parts of the keys in a file, most frequent first.

    For example ``"backbone. (150 keys), neck. (40 keys)"``.
    """
    counts = Counter(
        f'{head}{dot}'
        for head, dot, _ in (
            key.partition('.') for key in state_dict_of(checkpoint)
        )
    )
    return ', '.join(
        f'{head} ({count} keys)' for head, count in counts.most_common(_SHOWN)
    )


def likely_cause(
    fit: CheckpointFit,
    checkpoint: Mapping,
    prefix: str | None = None,
    file: str = 'FILE',
) -> str:
    """Why a checkpoint does not fit, as far as its keys tell, and what to do.

    It was looked up below ``prefix``; ``file`` is its path or URL.
    """
    foreign = advice(checkpoint, file)
    if foreign:
        return f'a file in the format of another library. {foreign}'
    weights = state_dict_of(checkpoint)
    if weights and all(key.startswith('adv.') for key in weights):
        return (
            'an adversarial-only file: it holds the adversarial adapters '
            '(adv.*) and no encoder. Take the checkpoint that pre-training '
            'has left, or an export of its clean encoder'
        )
    found = len(set(state_dict_of(checkpoint, prefix)) & set(fit.keys))
    better, count = _best_prefix(fit.keys, weights)
    if count > found:
        return (
            f'a wrong prefix: {count} of {fit.total} keys of the model are in '
            f'the file below {better!r}'
        )
    if not found:
        return 'a wrong prefix, or a file in the format of another library'
    if fit.mismatched or fit.surplus:
        return (
            'a different architecture (size, depth, image or patch size, '
            'number of classes)'
        )
    return 'a different architecture, or a file that is not complete'


def _best_prefix(keys: Iterable[str], weights: Iterable[str]) -> tuple:
    """The prefix below which most keys are found, and their number."""
    keys = set(keys)
    counts = Counter(
        key[:start]
        for key in weights
        for start in _starts(key)
        if key[start:] in keys
    )
    # Among equals the clean encoder, not its adversarial adapters.
    return max(
        counts.items(),
        key=lambda item: (item[1], not item[0].startswith('adv.')),
        default=(None, 0),
    )


def _starts(key: str) -> list[int]:
    """Where the parts of a key begin."""
    return [0, *(i + 1 for i, letter in enumerate(key) if letter == '.')]
