# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import timm
import torch

from aemim_mm.export.keys import SWIN_TO_TIMM, VIT_TO_TIMM, rename


def test_all_keys_of_a_vit(zoo):
    renamed = rename(zoo.build('token').backbone.state_dict(), VIT_TO_TIMM)
    model = timm.create_model('vit_tiny_patch16_224', depth=2, num_classes=0)
    assert renamed.keys() == model.state_dict().keys()


def test_all_keys_of_a_swin_transformer(zoo):
    renamed = rename(zoo.build('swin').backbone.state_dict(), SWIN_TO_TIMM)
    model = timm.create_model(
        'swin_tiny_patch4_window7_224', depths=(2, 2, 1, 2), num_classes=0
    )
    assert renamed.keys() == model.state_dict().keys()


def test_tensors_go_where_they_belong():
    keys = {
        'layers.11.ln2.bias': 'blocks.11.norm2.bias',
        'layers.0.ffn.layers.0.0.weight': 'blocks.0.mlp.fc1.weight',
        'layers.0.ffn.layers.1.weight': 'blocks.0.mlp.fc2.weight',
        'ln1.weight': 'norm.weight',
        'ln2.weight': 'fc_norm.weight',
    }
    weights = {key: torch.tensor(i) for i, key in enumerate(keys)}
    renamed = rename(weights, VIT_TO_TIMM)
    assert {k: int(v) for k, v in renamed.items()} == {
        new: i for i, new in enumerate(keys.values())
    }


def test_patch_merging_moves_to_the_next_stage():
    weights = {
        'stages.2.downsample.reduction.weight': torch.tensor(1),
        'stages.2.blocks.17.norm1.weight': torch.tensor(2),
        'norm3.weight': torch.tensor(3),
        'norm1.weight': torch.tensor(4),
    }
    assert rename(weights, SWIN_TO_TIMM) == {
        'layers.3.downsample.reduction.weight': torch.tensor(1),
        'layers.2.blocks.17.norm1.weight': torch.tensor(2),
        'norm.weight': torch.tensor(3),
    }


def test_unknown_key():
    with pytest.raises(ValueError, match=r"'layers.0.gamma_1'.*mmpretrain"):
        rename({'layers.0.gamma_1': torch.ones(1)}, VIT_TO_TIMM)
