# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from torch import nn

from aemim_mm.core.dropout import (
    active_dropout,
    switched_off,
)


class DropPath(nn.Module):
    """As those of timm and mmcv keep their rate."""

    def __init__(self, rate):
        super().__init__()
        self.drop_prob = rate


class ClassRate(nn.Module):
    """Its rate belongs to the class."""

    drop_prob = 0.9


def test_finds_what_drops_at_random():
    net = nn.Sequential(
        nn.Dropout(0.0), nn.Dropout(0.5), DropPath(0.1), DropPath(0.0),
        ClassRate(), nn.LayerNorm(8), nn.Dropout2d(0.1),
        nn.MultiheadAttention(8, 2, dropout=0.1), nn.MultiheadAttention(8, 2),
    )  # fmt: skip
    found = active_dropout(net.modules())
    assert found == [net[1], net[2], net[4], net[6], net[7]]
    net[1].eval()
    assert net[1] not in active_dropout(net.modules())
    assert active_dropout(net.eval().modules()) == []


def test_finds_what_the_libraries_drop():
    pytest.importorskip('mmpretrain')
    from mmcv.cnn.bricks.drop import DropPath
    from mmpretrain.models.utils import MultiheadAttention
    from torchvision.ops import StochasticDepth

    net = nn.Sequential(
        DropPath(0.1), DropPath(0.0), MultiheadAttention(8, 2, attn_drop=0.1),
        StochasticDepth(0.1, 'row'), StochasticDepth(0.0, 'row'),
    )  # fmt: skip
    assert active_dropout(net.modules()) == [net[0], net[2], net[3]]


def test_a_vit_of_timm_repeats_its_features():
    """Its fused attention reads the rate of a layer that it does not call."""
    timm = pytest.importorskip('timm')
    vit = timm.create_model(
        'vit_tiny_patch16_224', img_size=32, depth=2, num_classes=0,
        attn_drop_rate=0.5, proj_drop_rate=0.5, drop_path_rate=0.5,
        pos_drop_rate=0.5,
    )  # fmt: skip
    x = torch.randn(4, 3, 32, 32)
    with switched_off(active_dropout(vit.modules())):
        assert torch.equal(vit(x), vit(x))
    assert not torch.equal(vit(x), vit(x))


def test_switches_off_only_these():
    net = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(2))
    with switched_off([net[0]]):
        assert not net[0].training and net[1].training
    assert net[0].training
