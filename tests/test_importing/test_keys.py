# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from foreign_files import mae_weights, simmim_weights, timm_swin, timm_vit

from aemim_mm.importing.keys import from_transformers, split


def test_what_has_no_place_is_kept_to_be_refused():
    weights = timm_vit().state_dict()
    weights['blocks.0.ls1.gamma'] = torch.ones(32)
    parts = split(weights)
    assert 'blocks.0.ls1.gamma' in parts.encoder
    assert 'layers.0.ln1.weight' in parts.encoder


def test_classifiers():
    weights = timm_vit(num_classes=5).state_dict()
    head = split(weights).head
    assert torch.equal(head['weight'], weights['head.weight'])
    head = split(timm_swin(num_classes=5).state_dict()).head
    assert head.keys() == {'weight', 'bias'}
    # MAE's linear probing: a batch norm and a layer.
    for name in ('weight', 'bias'):
        weights[f'head.1.{name}'] = weights.pop(f'head.{name}')
    weights['head.0.running_mean'] = torch.zeros(32)
    parts = split(weights)
    assert parts.head == {}
    assert parts.dropped == {'classifier of several layers (head.*)': 3}


def test_parts_of_mae():
    weights = mae_weights()
    parts = split(weights)
    # queries, keys and values are in one matrix in both
    pairs = {
        'decoder_blocks.1.attn.qkv.weight': 'decoder_blocks.1.attn.qkv.weight',
        'decoder_blocks.0.ln2.bias': 'decoder_blocks.0.norm2.bias',
        'ln1.weight': 'decoder_norm.weight',
        'mask_token': 'mask_token',
        'decoder_pos_embed': 'decoder_pos_embed',
    }
    for ours, theirs in pairs.items():
        assert torch.equal(parts.decoder[ours], weights[theirs]), ours
    assert len(parts.encoder) + len(parts.decoder) == len(weights)


def test_parts_of_simmim():
    weights = simmim_weights()
    parts = split(weights)
    assert torch.equal(parts.mask_token, weights['encoder.mask_token'])
    assert parts.decoder.keys() == {'decoder.0.weight', 'decoder.0.bias'}
    assert not any(key.startswith('layers') for key in parts.encoder)


def test_a_swin_that_is_incomplete():
    weights = {
        key: value
        for key, value in timm_swin().state_dict().items()
        if not key.startswith('layers.3.')
    }
    with pytest.raises(ValueError, match='has 3 stages, not 4'):
        split(weights)


def test_queries_keys_and_values_are_joined_in_this_order():
    key = 'vit.encoder.layer.1.attention.attention.{}.bias'
    weights = {
        key.format(name): torch.full((2,), value)
        for name, value in (('value', 3.0), ('query', 1.0), ('key', 2.0))
    }
    renamed = from_transformers(weights)
    assert renamed['blocks.1.attn.qkv.bias'].tolist() == [1, 1, 2, 2, 3, 3]
