# Copyright (c) aemim_mm contributors. All rights reserved.
"""MixMIM mixes image i of a batch of B with image B - 1 - i."""

import random

from .base import MethodRule


def mirrored_rows(count: int, batch_size: int) -> list[int]:
    """Choose images together with their partners.

    The rows are closed under ``i -> B - 1 - i`` and ascending, so that the
    flip of the smaller batch maps partners onto each other again. An odd count
    is rounded up. The image in the middle of an odd batch, which is its own
    partner, is never chosen; a batch has at least 2 images.
    """
    half = batch_size // 2
    pairs = min(half, (count + 1) // 2)
    first = random.sample(range(half), pairs)
    return sorted([*first, *(batch_size - 1 - row for row in first)])


MIXMIM = MethodRule(choose_rows=mirrored_rows)
