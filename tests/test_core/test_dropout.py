# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
from torch import nn
from torchvision.ops import StochasticDepth

from aemim_mm.core.dropout import (
    active_dropout,
    switched_off,
)

pytest.importorskip('mmpretrain')
from mmcv.cnn.bricks.drop import DropPath  # noqa: E402
from mmpretrain.models.utils import MultiheadAttention  # noqa: E402


def test_finds_what_drops_at_random():
    attention = MultiheadAttention(8, 2, attn_drop=0.1)
    net = nn.Sequential(
        nn.Dropout(0.0), nn.Dropout(0.5), DropPath(0.1), DropPath(0.0),
        attention, nn.LayerNorm(8), nn.Dropout2d(0.1),
        nn.MultiheadAttention(8, 2, dropout=0.1), StochasticDepth(0.1, 'row'),
        nn.MultiheadAttention(8, 2), StochasticDepth(0.0, 'row'),
    )  # fmt: skip
    found = active_dropout(net.modules())
    assert found == [net[1], net[2], attention, net[6], net[7], net[8]]
    net[1].eval()
    assert net[1] not in active_dropout(net.modules())
    assert active_dropout(net.eval().modules()) == []


def test_switches_off_only_these():
    net = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(2))
    with switched_off([net[0]]):
        assert not net[0].training and net[1].training
    assert net[0].training
