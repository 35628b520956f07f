# Copyright (c) aemim_mm contributors. All rights reserved.
import difflib
from collections.abc import Iterable

# As `difflib` counts it: 1 is equal; 'sclae' and 'scale' have 0.8.
CUTOFF = 0.7


def similar(word: str, choices: Iterable[str]) -> list[str]:
    """Up to three words that are most like a wrong one, the nearest first."""
    words = sorted(set(choices))
    return difflib.get_close_matches(word, words, n=3, cutoff=CUTOFF)


def near_misses(word: str, choices: Iterable[str]) -> str:
    """The part of a message that names what was perhaps meant.

    `` Did you mean "a" or "b"?``, or an empty string where nothing is similar.
    """
    found = similar(word, choices)
    if not found:
        return ''
    return ' Did you mean ' + ' or '.join(f'"{x}"' for x in found) + '?'
