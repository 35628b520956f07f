# Copyright (c) aemim_mm contributors. All rights reserved.
"""A mask that the model draws is remembered, and drawn again for rows."""

import pytest
import torch
from torch import nn

from aemim_mm.core import (
    BatchSubset,
    MaskDraw,
    remembered_mask,
    repeated_mask,
)


class Drawer(nn.Module):
    """Draws a number per image."""

    def draw(self, size):
        """(size, ), uniform."""
        return torch.rand(size)


DRAW = MaskDraw('draw', lambda drawn: (drawn,), lambda drawn, size: drawn[0])


def test_draws_remembers_and_repeats():
    drawer = Drawer()
    with remembered_mask(drawer, DRAW) as masks:
        drawn = drawer.draw(6)
    assert torch.equal(masks[0][0], drawn)
    rows = BatchSubset([1, 5], 6).of(masks[0])
    with repeated_mask(drawer, DRAW, rows):
        assert torch.equal(drawer.draw(2), drawn[[1, 5]])
    assert not torch.equal(drawer.draw(6), drawn)
    assert 'draw' not in vars(drawer)


def test_a_method_patched_onto_the_model_draws_and_stays():
    drawer, patched = Drawer(), lambda size: torch.zeros(size)
    drawer.draw = patched
    with remembered_mask(drawer, DRAW) as masks:
        drawer.draw(3)
    assert not masks[0][0].any() and drawer.draw is patched


def test_a_mask_that_is_not_drawn_is_found():
    with pytest.raises(RuntimeError, match=r'Drawer did not .* draw\(\)'):
        with remembered_mask(Drawer(), DRAW):
            pass


def test_what_was_there_comes_back_after_an_error():
    drawer = Drawer()
    with pytest.raises(ZeroDivisionError):
        with remembered_mask(drawer, DRAW):
            1 / 0  # noqa: B018
    with pytest.raises(ZeroDivisionError):
        with repeated_mask(drawer, DRAW, ()):
            1 / 0  # noqa: B018
    assert 'draw' not in vars(drawer)
