# Copyright (c) aemim_mm contributors. All rights reserved.
import copy

import pytest
import torch
from mmpretrain.models import VisionTransformer
from mmpretrain.models.utils import MultiheadAttention
from torch.utils._python_dispatch import TorchDispatchMode

from aemim_mm.models.backbones import DualNormViT
from aemim_mm.models.layers import UnbindAttention
from aemim_mm.models.necks import MAEMaskedDecoder

ARCH = dict(embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=32)
VIT = dict(arch=ARCH, img_size=16, patch_size=4)


class Operations(TorchDispatchMode):
    """Records the names of all operations."""

    def __init__(self) -> None:
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.append(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def pair(**options):
    stock = MultiheadAttention(16, 2, **options)
    ours = copy.deepcopy(stock)
    UnbindAttention.take_over(ours)
    assert type(ours) is UnbindAttention
    return stock, ours


def run(layer, x):
    """Output and gradients of a layer, the drawn numbers always the same."""
    x = x.clone().requires_grad_()
    torch.manual_seed(0)
    out = layer(x)
    out.square().sum().backward()
    return [out, x.grad, *(p.grad for p in layer.parameters())]


@pytest.mark.parametrize(
    'options',
    [
        {},
        dict(qkv_bias=False),
        dict(qk_scale=0.5),
        dict(layer_scale_init_value=0.5),
        dict(attn_drop=0.5, proj_drop=0.5),
        dict(dropout_layer=dict(type='DropPath', drop_prob=0.5)),
    ],
    ids=str,
)
def test_values_and_gradients_are_the_stock_ones_to_the_bit(options):
    stock, ours = pair(**options)
    x = torch.randn(4, 9, 16)
    for expected, actual in zip(run(stock, x), run(ours, x), strict=True):
        assert torch.equal(actual, expected)


def test_its_backward_pass_fills_and_adds_nothing():
    stock, ours = pair()
    x = torch.randn(4, 9, 16)
    found = []
    for layer in (stock, ours):
        out = layer(x).sum()
        with Operations() as operations:
            out.backward()
        found.append(operations.names)
    assert found[0].count('select_backward') == 3
    assert 'select_backward' not in found[1]
    assert found[1].count('add') + found[1].count('add_') == 0


def test_a_taken_over_layer_stays_the_object_it_is():
    vit = VisionTransformer(**VIT)
    layer = vit.layers[0].attn
    called = []
    layer.register_forward_hook(lambda *args: called.append(1))
    state = torch.get_rng_state()
    keys = list(vit.state_dict())
    UnbindAttention.take_over(vit)
    assert torch.equal(torch.get_rng_state(), state)
    assert vit.layers[0].attn is layer
    assert list(vit.state_dict()) == keys
    vit(torch.randn(1, 3, 16, 16))
    assert called == [1]


def test_what_is_not_the_stock_layer_is_left_alone():
    class Other(MultiheadAttention):
        pass

    layers = torch.nn.ModuleList(
        [Other(16, 2), MultiheadAttention(16, 1, v_shortcut=True)]
    )
    UnbindAttention.take_over(layers)
    assert [type(layer) for layer in layers] == [Other, MultiheadAttention]


def test_our_encoder_and_decoder_have_it_in_every_block():
    decoder = MAEMaskedDecoder(embed_dim=16, decoder_embed_dim=16)
    for blocks in (DualNormViT(**VIT).layers, decoder.decoder_blocks):
        assert len(blocks) > 1
        assert all(type(b.attn) is UnbindAttention for b in blocks)
