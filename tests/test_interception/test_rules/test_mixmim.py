# Copyright (c) aemim_mm contributors. All rights reserved.
"""MixMIM: an image and its partner are attacked together."""

import pytest
import torch
from toys import batch, build_aemim, move_twins

from aemim_mm.interception.rules.mixmim import mirrored_rows


@pytest.mark.parametrize('size', [2, 3, 4, 7, 8, 16])
@pytest.mark.parametrize('ratio', [0.1, 0.25, 0.5, 0.9])
def test_rows_are_closed_under_the_flip(size, ratio):
    count = max(1, round(ratio * size))
    rows = mirrored_rows(count, size)
    assert rows == sorted(set(rows)) and len(rows) >= 2
    # Ascending: the flip of the small batch maps partners onto each other.
    assert [size - 1 - row for row in rows] == rows[::-1]
    assert len(rows) == min(2 * ((count + 1) // 2), size - size % 2)


def test_rows_are_drawn_anew():
    assert len({tuple(mirrored_rows(4, 16)) for _ in range(20)}) > 5


def test_model_chooses_pairs():
    model = build_aemim('MixMIM', adv_ratio=0.25)
    rows = model.choose_rows(8)
    assert len(rows) == 2 and sum(rows) == 7


def test_the_mask_of_the_batch_is_never_cut():
    """One mask for all images, in all passes."""
    model = move_twins(build_aemim('MixMIM', adv_ratio=0.5))
    inputs, samples = batch('MixMIM', 4)
    masks = []
    model.backbone.register_forward_hook(
        lambda module, args, output: masks.append(output[1])
    )
    model.loss(inputs, samples)
    assert len(masks) == 4
    assert all(torch.equal(mask, masks[0]) for mask in masks)
