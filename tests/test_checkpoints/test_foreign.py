# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
import torch
from foreign_files import mae_weights, simmim_weights, timm_swin, timm_vit

from aemim_mm.checkpoints.foreign import advice, foreign_kind, unwrapped


def _files(zoo):
    old = {
        key.removeprefix('encoder.'): value
        for key, value in simmim_weights().items()
        if key.startswith('encoder.layers')
    }
    return {
        'mae': [
            dict(model=mae_weights()),
            mae_weights(),
        ],
        # DeiT's files are like this, too.
        'timm': [
            dict(model=mae_weights(decoder=False)),
            timm_vit().state_dict(),
            timm_swin().state_dict(),
            dict(state_dict=timm_vit().state_dict(), epoch=3),
        ],
        'simmim': [dict(model=simmim_weights()), dict(model=old)],
        None: [
            torch.load(zoo.save(kind), weights_only=False)
            for kind in ('aemim', 'simmim', 'swin')
        ]
        + [dict(state_dict=zoo.build('token').backbone.state_dict()), {}],
    }


def test_kinds_by_files(zoo):
    for kind, files in _files(zoo).items():
        for content in files:
            assert foreign_kind(content) == kind


@pytest.mark.parametrize('prefix', ['', 'vit.'])
def test_transformers(prefix):
    key = f'{prefix}embeddings.patch_embeddings.projection.weight'
    content = dict(state_dict={key: torch.ones(1)}, meta={})
    assert foreign_kind(content) == 'transformers'


def test_advice_names_kind_and_command(zoo):
    told = advice(dict(model=mae_weights()), '/w/mae.pth')
    assert told.startswith('It is a file of facebookresearch/mae')
    assert told.endswith(
        'python tools/import_checkpoint.py /w/mae.pth OUT.pth --from mae'
    )
    assert advice(dict(state_dict=zoo.build('aemim').state_dict())) == ''


@pytest.mark.parametrize(
    'plain, averaged',
    [('state_dict', 'state_dict_ema'), ('model', 'model_ema')],
)
def test_averaged_weights_come_first(plain, averaged):
    one, two = torch.ones(1), torch.ones(2)
    content = {plain: dict(w=one), averaged: dict(w=two), 'epoch': 3}
    assert unwrapped(content)['w'] is two
    for none in ({}, None, dict(module=dict(w=two))):
        assert unwrapped({**content, averaged: none})['w'] is one


def test_an_entry_that_is_no_dict_is_no_wrapper():
    content = dict(model='vit', w=torch.ones(1))
    assert unwrapped(content) is content
