# Copyright (c) aemim_mm contributors. All rights reserved.
"""A replayed draw gives what the class drew, for all and for some rows."""

import pytest
import torch
from toys import batch, build_aemim

from aemim_mm.core.batch_subset import BatchSubset
from aemim_mm.interception.rules import encoder_rule

DRAWING = [
    'MAE-stock-backbone', 'MFF', 'EVA', 'MILAN', 'MAE-HiViT', 'iTPN-pixel',
    'MixMIM',
]  # fmt: skip


@pytest.mark.parametrize('toy', DRAWING)
def test_replay_repeats_the_draw(toy):
    model = build_aemim(toy)
    encoder = model.backbone
    draw = encoder_rule(encoder).draw
    seen = {}

    def watch(*args):
        seen['args'] = args
        seen['drawn'] = getattr(type(encoder), draw.name)(encoder, *args)
        return seen['drawn']

    setattr(encoder, draw.name, watch)
    with torch.no_grad():
        model.stock_loss(*batch(toy, 6))
    remembered = draw.remember(seen['drawn'])
    replayed = draw.replay(remembered, *seen['args'])
    assert len(replayed) == len(seen['drawn'])
    for actual, expected in zip(replayed, seen['drawn'], strict=True):
        assert torch.equal(actual, expected)

    rows = BatchSubset([1, 4], 6)
    some = draw.replay(rows.of(remembered), *rows.of(seen['args']))
    for actual, expected in zip(some, seen['drawn'], strict=True):
        assert torch.equal(actual, rows.of(expected))
