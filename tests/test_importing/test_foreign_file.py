# Copyright (c) aemim_mm contributors. All rights reserved.
import json

import pytest
import torch
from foreign_files import mae_weights, timm_vit
from timm.models import save_for_hf

from aemim_mm.importing.foreign_file import read_foreign


def test_folder_of_timm_tells_what_shapes_do_not(tmp_path):
    model = timm_vit()
    model.pretrained_cfg.update(license='cc-by-nc-4.0', mean=(0.5, 0.4, 0.2))
    save_for_hf(model, tmp_path, safe_serialization=True)
    foreign = read_foreign(str(tmp_path), 'timm')
    assert foreign.path == tmp_path / 'model.safetensors'
    assert foreign.terms[0]['license'] == 'cc-by-nc-4.0'
    assert foreign.preprocessor['mean'] == [127.5, 102.0, 51.0]
    backbone = foreign.model['backbone']
    assert backbone['arch']['num_heads'] == 2
    assert backbone['norm_cfg']['eps'] == 1e-6
    # The file alone finds what stands beside it.
    again = read_foreign(str(foreign.path), 'timm')
    assert again.model == foreign.model


def test_what_stands_beside_a_file_of_transformers(tmp_path):
    torch.save({'vit.x': torch.ones(1)}, tmp_path / 'pytorch_model.bin')
    told = dict(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=96,
        image_size=32,
        patch_size=8,
        layer_norm_eps=1e-12,
        decoder_num_attention_heads=8,
    )
    (tmp_path / 'config.json').write_text(json.dumps(told))
    images = dict(image_mean=[0.5] * 3, image_std=[0.2] * 3)
    (tmp_path / 'preprocessor_config.json').write_text(json.dumps(images))
    foreign = read_foreign(str(tmp_path), 'transformers')
    assert foreign.model['backbone']['arch'] == dict(
        embed_dims=32, num_layers=2, num_heads=4, feedforward_channels=96
    )
    assert foreign.decoder_heads == 8
    assert foreign.preprocessor['std'] == [51.0] * 3
    name = f'{tmp_path.name}/pytorch_model.bin'
    assert foreign.terms == [dict(source=name, license='unknown')]
    told['hidden_act'] = 'gelu_new'
    (tmp_path / 'config.json').write_text(json.dumps(told))
    with pytest.raises(ValueError, match="config.json: hidden_act='gelu_new'"):
        read_foreign(str(tmp_path), 'transformers')


def test_what_cannot_be_read(tmp_path):
    with pytest.raises(FileNotFoundError, match='neither model.safetensors'):
        read_foreign(str(tmp_path), 'timm')
    with pytest.raises(FileNotFoundError, match='gone.pth does not exist'):
        read_foreign(str(tmp_path / 'gone.pth'), 'mae')
    with pytest.raises(ValueError, match='pass --from timm'):
        read_foreign('timm:vit_tiny_patch16_224', 'mae')
    file = tmp_path / 'mae.pth'
    torch.save(dict(model=mae_weights()), file)
    with pytest.raises(ValueError, match='is a file of .*: pass --from mae'):
        read_foreign(str(file), 'simmim')
    (tmp_path / 'config.json').write_text('{')
    with pytest.raises(ValueError, match='config.json is no JSON'):
        read_foreign(str(file), 'mae')
