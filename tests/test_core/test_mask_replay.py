# Copyright (c) aemim_mm contributors. All rights reserved.
"""The pin draws as the class does, remembers, and replays rows."""

import copy

import pytest
import torch
from torch import nn

pytest.importorskip('mmpretrain')
from aemim_mm.core.batch_subset import Rows  # noqa: E402
from aemim_mm.core.mask_replay import MaskPin  # noqa: E402
from aemim_mm.interception.rules import MaskDraw  # noqa: E402


class Drawer(nn.Module):
    """Draws a number per image."""

    def draw(self, size):
        """(size, ), uniform."""
        return torch.rand(size)


DRAW = MaskDraw('draw', lambda drawn: (drawn,), lambda drawn, size: drawn[0])


def test_draws_remembers_and_replays():
    drawer = Drawer()
    pin = MaskPin(drawer, DRAW)
    assert not torch.equal(drawer.draw(6), drawer.draw(6))
    assert pin.drawn is None
    with pin.recording():
        drawn = drawer.draw(6)
    with pin.replaying(Rows([1, 5], 6)):
        assert torch.equal(drawer.draw(2), drawn[[1, 5]])
    assert not torch.equal(drawer.draw(6), drawn)
    pin.release()
    assert pin.drawn is None


def test_a_mask_that_is_not_drawn_is_found():
    pin = MaskPin(Drawer(), DRAW)
    with pytest.raises(RuntimeError, match=r'Drawer did not .* draw\(\)'):
        with pin.recording():
            pass


def test_a_copy_has_a_pin_of_its_own():
    drawer = Drawer()
    pin = MaskPin(drawer, DRAW)
    twin = copy.deepcopy(drawer)
    assert twin.draw is not pin and twin.draw.owner is twin
    with pin.recording():
        twin.draw(3)
        drawer.draw(3)
    assert twin.draw.drawn is None
