# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from foreign_files import mae_weights, simmim_weights

from aemim_mm.export.architecture import find_architecture
from aemim_mm.importing.decoder import decoder_config
from aemim_mm.importing.keys import split


@pytest.fixture
def vit(zoo):
    return find_architecture(zoo.source('token'))


def test_of_mae(vit):
    cfg = decoder_config(split(mae_weights()).decoder, vit, 16)
    assert cfg == dict(
        type='mmpretrain.MAEPretrainDecoder',
        num_patches=16,
        patch_size=8,
        in_chans=3,
        embed_dim=32,
        decoder_embed_dim=48,
        decoder_depth=2,
        decoder_num_heads=16,
        mlp_ratio=4.0,
    )
    with pytest.raises(ValueError, match='48 channels, which 5 heads'):
        decoder_config(split(mae_weights()).decoder, vit, 5)


def test_of_simmim(zoo):
    swin = find_architecture(zoo.source('simmim'))
    decoder = split(simmim_weights()).decoder
    assert decoder_config(decoder, swin, 16) == dict(
        type='mmpretrain.SimMIMLinearDecoder',
        in_channels=64,
        encoder_stride=32,
    )


def test_of_others(vit):
    assert decoder_config({}, vit, 16) == {}
    with pytest.raises(ValueError, match="neither MAE's nor SimMIM's"):
        decoder_config(dict(w=torch.ones(1)), vit, 16)
    decoder = split(mae_weights()).decoder
    del decoder['decoder_blocks.1.ln1.bias']
    with pytest.raises(ValueError, match='decoder_blocks.1.ln1.bias'):
        decoder_config(decoder, vit, 16)
