# Copyright (c) aemim_mm contributors. All rights reserved.
import hashlib

import pytest
import torch
from mmengine.config import Config
from states import assert_equal_states

from aemim_mm.export.source import ADAPTERS, read_source


def test_parts_of_an_aemim_checkpoint(zoo):
    model = zoo.build('aemim')
    source = read_source(zoo.save('aemim', model=model))
    assert_equal_states(source.encoder, model.backbone)
    assert source.head == source.neck == {}
    adapters = len(model.adv.state_dict())
    assert adapters > 0
    assert source.dropped == {
        ADAPTERS: adapters,
        'neck.*': len(model.neck.state_dict()),
        'optimizer': 0,
    }
    assert source.config['model']['method'] == 'MAE'
    assert source.meta['epoch'] == 7


def test_mask_token_stays_behind(zoo):
    source = read_source(zoo.save('simmim'))
    assert 'mask_token' not in source.encoder
    assert source.dropped['mask token (backbone.mask_token)'] == 1


def test_own_adapters_of_a_backbone_stay_behind(zoo):
    state = zoo.build('mae').state_dict()
    state['backbone.adv.ln1.weight'] = torch.zeros(32)
    source = read_source(zoo.save('mae', state_dict=state))
    assert not any(key.startswith('adv') for key in source.encoder)
    assert source.dropped[ADAPTERS] == 1


def test_head_and_batch_norm_of_a_classifier_come_along(zoo):
    source = read_source(zoo.save('probe'))
    assert source.head.keys() == {
        'layers.head.weight',
        'layers.head.bias',
    }
    assert {'bn.running_mean', 'bn.running_var'} <= source.neck.keys()


def test_data_parallel_and_flat_files(zoo):
    state = zoo.build('mae').state_dict()
    path = zoo.folder / 'flat.pth'
    torch.save({f'module.{k}': v for k, v in state.items()}, path)
    source = read_source(path)
    assert torch.equal(source.encoder['ln1.bias'], state['backbone.ln1.bias'])
    assert source.config == source.meta == {}
    assert 'optimizer' not in source.dropped


def test_averaged_weights_are_what_state_dict_holds(zoo):
    """EMAHook saves the average there, the last iterate beside it."""
    average, last = zoo.build('mae'), zoo.build('mae')
    with torch.no_grad():
        average.backbone.ln1.bias.fill_(3)
    path = zoo.save('mae', model=average, ema_state_dict=last.state_dict())
    source = read_source(path)
    assert source.encoder['ln1.bias'].eq(3).all()
    assert source.dropped['ema_state_dict'] == 0


def test_config_file_goes_before_the_stored_one(zoo):
    file = zoo.folder / 'config.py'
    Config(dict(model=dict(type='Other'))).dump(str(file))
    source = read_source(zoo.save('mae'), file)
    assert source.config['model'] == dict(type='Other')


def test_checksum(zoo):
    path = zoo.save('mae')
    wanted = hashlib.sha256(path.read_bytes()).hexdigest()
    assert read_source(path).sha256() == wanted


def test_another_type(zoo):
    source = read_source(zoo.save('swin'))
    half = source.to(torch.float16)
    assert half.encoder['norm3.weight'].dtype == torch.float16
    assert half.head['fc.weight'].dtype == torch.float16
    index = 'stages.0.blocks.0.attn.w_msa.relative_position_index'
    assert half.encoder[index].dtype == torch.int64
    assert source.to(None) is source


def test_preprocessor_of_the_config_or_of_the_model(source_of):
    def normalization(**config):
        source = source_of({})
        source.config.update(config)
        return source.normalization

    outer = dict(mean=[1], std=[2], to_rgb=True, num_classes=3)
    inner = dict(mean=[3], std=[4])
    model = dict(data_preprocessor=inner)
    assert normalization() == {}
    assert normalization(data_preprocessor=outer) == dict(
        mean=[1], std=[2], to_rgb=True
    )
    renamed = dict(mean=[1], std=[2], bgr_to_rgb=True)
    assert normalization(data_preprocessor=renamed)['to_rgb'] is True
    # The default of mmpretrain is BGR.
    assert normalization(model=model, data_preprocessor=outer) == dict(
        inner, to_rgb=False
    )


def test_files_without_an_encoder(zoo):
    path = zoo.folder / 'file.pth'
    torch.save({'adv.backbone.ln1.weight': torch.ones(2)}, path)
    with pytest.raises(ValueError, match='nothing but adversarial .*1 keys'):
        read_source(path)
    torch.save({'blocks.0.norm1.weight': torch.ones(2)}, path)
    with pytest.raises(ValueError, match='(?s)not a checkpoint.*blocks.*mmen'):
        read_source(path)
    torch.save({'model': {'cls_token': torch.ones(2)}}, path)
    with pytest.raises(ValueError, match='file.pth cannot be exported'):
        read_source(path)
    with pytest.raises(FileNotFoundError, match='none.pth'):
        read_source(zoo.folder / 'none.pth')
