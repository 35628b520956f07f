# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch

from aemim_mm.export.architecture import find_architecture
from aemim_mm.export.source import read_source
from aemim_mm.export.swin import Swin
from aemim_mm.export.vit import ViT


@pytest.mark.parametrize(
    'kind, cls, heads',
    [
        ('aemim', ViT, 2),
        ('mae', ViT, 2),
        ('avg', ViT, 2),
        ('simmim', Swin, (1, 2, 4, 8)),
        ('swin', Swin, (1, 2, 4, 8)),
    ],
)
def test_finds_it(zoo, kind, cls, heads):
    architecture = find_architecture(read_source(zoo.save(kind)))
    assert isinstance(architecture, cls)
    assert architecture.num_heads == heads


def _changed(zoo, kind, change):
    state = zoo.build(kind).state_dict()
    change(state)
    return read_source(zoo.save(kind, state_dict=state))


def test_a_deleted_key(zoo):
    source = _changed(
        zoo, 'mae', lambda s: s.pop('backbone.layers.1.attn.qkv.bias')
    )
    with pytest.raises(
        ValueError, match=r'(?s)missing in the file: layers.1.attn.qkv.bias'
    ):
        find_architecture(source)


def test_a_variant_of_the_network(zoo):
    """Layer scale, say: the plain network would ignore it."""
    source = _changed(
        zoo,
        'mae',
        lambda s: s.update({'backbone.layers.0.gamma_1': torch.ones(32)}),
    )
    with pytest.raises(
        ValueError, match=r'(?s)not in that network: layers.0.gamma_1'
    ):
        find_architecture(source)


def test_another_shape(zoo):
    source = _changed(
        zoo,
        'mae',
        lambda s: s.update({'backbone.ln1.weight': torch.ones(3)}),
    )
    with pytest.raises(ValueError, match='different shapes: ln1.weight'):
        find_architecture(source)


def test_another_architecture(zoo):
    source = _changed(
        zoo,
        'mae',
        lambda s: [s.pop(k) for k in list(s) if 'pos_embed' in k],
    )
    with pytest.raises(
        ValueError, match=r"(?s)MAEViT.*neither a Vision.*prefix='backbone.'"
    ):
        find_architecture(source)
