# Copyright (c) aemim_mm contributors. All rights reserved.
import dataclasses

import pytest
import timm
import torch
from mmcv.cnn.bricks.transformer import PatchMerging
from timm.models.swin_transformer import PatchMerging as TimmPatchMerging

from aemim_mm.export.swin import Swin
from aemim_mm.export.timm_swin import SWIN, merging_order, swin_arguments

BASE = Swin(
    128, (2, 2, 18, 2), (4, 8, 16, 32), 7, 4, (224, 224), 3, (0, 1, 2, 3)
)


def test_order_by_hand():
    # two channels of a 2 x 2 neighbourhood, named channel-row-column
    unfold = ['000', '001', '010', '011', '100', '101', '110', '111']
    index = merging_order(torch.arange(8)).tolist()
    # timm: column, row, channel
    assert [unfold[i] for i in index] == [
        f'{channel}{row}{column}'
        for column in (0, 1)
        for row in (0, 1)
        for channel in (0, 1)
    ]


def test_order_against_both_libraries():
    ours, theirs = PatchMerging(6, 12), TimmPatchMerging(6)
    for value in ours.state_dict().values():
        value.copy_(torch.randn(value.shape))
    x = torch.randn(2, 4, 8, 6)
    wanted, _ = ours(x.flatten(1, 2), (4, 8))
    theirs.load_state_dict(ours.state_dict())
    assert (theirs(x).flatten(1, 2) - wanted).abs().max() > 0.1
    theirs.load_state_dict(
        {k: merging_order(v) for k, v in ours.state_dict().items()}
    )
    assert torch.allclose(theirs(x).flatten(1, 2), wanted, atol=1e-5)


def test_named_models():
    assert swin_arguments(BASE) == (
        'swin_base_patch4_window7_224',
        {},
    )
    simmim = dataclasses.replace(BASE, window_size=6, img_size=(192, 192))
    assert swin_arguments(simmim) == (
        'swin_base_patch4_window7_224',
        dict(img_size=[192, 192], window_size=6),
    )


def test_generic_model_is_the_architecture():
    tiny = Swin(8, (2, 2, 1, 2), (1, 2, 4, 8), 2, 2, (32, 32), 1, (3,))
    name, kwargs = swin_arguments(tiny)
    model = timm.create_model(name, **kwargs)
    assert [len(stage.blocks) for stage in model.layers] == [2, 2, 1, 2]
    assert model.patch_embed.proj.weight.shape == (8, 1, 2, 2)
    attention = model.layers[3].blocks[0].attn
    assert attention.relative_position_bias_table.shape == (9, 8)


def test_what_timm_does_not_have():
    for fields in (
        dict(norms=(0, 1)),
        dict(depths=(2, 2), num_heads=(1, 2), norms=(1,)),
    ):
        with pytest.raises(ValueError, match='timm needs four stages'):
            swin_arguments(dataclasses.replace(BASE, **fields))


def test_all_keys_of_a_swin_transformer(zoo):
    renamed = SWIN.rename(zoo.build('swin').backbone.state_dict())
    model = timm.create_model(
        'swin_tiny_patch4_window7_224', depths=(2, 2, 1, 2), num_classes=0
    )
    assert renamed.keys() == model.state_dict().keys()


def test_patch_merging_moves_to_the_next_stage():
    weights = {
        'stages.2.downsample.reduction.weight': torch.ones(1, 4),
        'stages.2.blocks.17.norm1.weight': torch.tensor(2),
        'norm3.weight': torch.tensor(3),
        'norm1.weight': torch.tensor(4),
    }
    renamed = SWIN.rename(weights)
    assert {k: int(v.sum()) for k, v in renamed.items()} == {
        'layers.3.downsample.reduction.weight': 4,
        'layers.2.blocks.17.norm1.weight': 2,
        'norm.weight': 3,
    }
