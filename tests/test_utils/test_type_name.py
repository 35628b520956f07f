# Copyright (c) aemim_mm contributors. All rights reserved.
import dataclasses
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.hooks import EMAHook
from mmengine.model import PretrainedInit
from mmengine.optim import ReduceOnPlateauLR
from mmengine.runner import LogProcessor
from mmpretrain.datasets import CenterCrop, SimMIMMaskGenerator
from mmpretrain.evaluation import Accuracy
from mmpretrain.models import LinearNeck
from torch import nn

from aemim_mm.agreement.differences import plain
from aemim_mm.agreement.figures import top_k_of_classes
from aemim_mm.agreement.lengths import _vector_batch_norm
from aemim_mm.agreement.resumed import (
    averages_are_resumed,
    schedule_can_be_rebuilt,
)
from aemim_mm.agreement.shapes import _images_cut
from aemim_mm.export import find_architecture
from aemim_mm.export.linear_head import linear_head
from aemim_mm.hooks import EpochSeedHook
from aemim_mm.hooks.load_target import pretrained_parts
from aemim_mm.launcher.launch import unset_sync_bn
from aemim_mm.launcher.run_options import add_training_defaults
from aemim_mm.models.backbones import DualNormViT
from aemim_mm.utils import pretrained_cfgs, type_name


@pytest.mark.parametrize(
    'kind', [EMAHook, 'EMAHook', 'mmengine.EMAHook', 'mmengine.hooks.EMAHook']
)
def test_type_name(kind):
    assert type_name(kind) == 'EMAHook'


def test_no_type():
    assert type_name(None) == 'None' and type_name('') == ''


# Classes in place of names, as in configs with `read_base()`.


def test_a_hook_is_not_added_twice():
    cfg = Config(dict(custom_hooks=[dict(type='x')]))
    cfg.custom_hooks = [ConfigDict(type=EpochSeedHook)]
    cfg.log_processor = ConfigDict(type=LogProcessor)
    add_training_defaults(cfg)
    names = [type_name(hook.type) for hook in cfg.custom_hooks]
    assert (
        names.count('EpochSeedHook') == 1 == len(names) - len(set(names[1:]))
    )
    assert cfg.log_processor.mean_pattern


def test_averages_are_seen():
    run = SimpleNamespace(
        stored=SimpleNamespace(averaged=True, path='a.pth'),
        cfg=ConfigDict(custom_hooks=[dict(type=EMAHook)]),
    )
    averages_are_resumed(run)


def test_a_batch_norm_is_seen():
    neck = dict(type=LinearNeck, in_channels=4, out_channels=4)
    assert _vector_batch_norm(dict(neck=neck)) == 'LinearNeck'
    assert _vector_batch_norm(dict(type=nn.BatchNorm1d)) == 'BatchNorm1d'


@pytest.mark.parametrize(
    'kind', ['SyncBN', 'mmengine.SyncBN', nn.SyncBatchNorm]
)
def test_a_synchronised_norm_is_replaced(kind):
    part = dict(norm_cfg=dict(type=kind))
    assert unset_sync_bn(part)
    assert part == dict(norm_cfg=dict(type='BN'))


def test_names_and_classes_are_the_same():
    named = dict(
        norm_cfg=[dict(type='SyncBN'), dict(type='LN'), dict(type='BN1d')],
        init_cfg=dict(type='Pretrained'),
        optimizer=dict(type='AdamW'),
    )
    norms = nn.SyncBatchNorm, nn.LayerNorm, nn.BatchNorm1d
    classes = dict(
        norm_cfg=[dict(type=norm) for norm in norms],
        init_cfg=dict(type=PretrainedInit),
        optimizer=dict(type=torch.optim.AdamW),
    )
    assert plain(named) == plain(classes)


@pytest.mark.parametrize('kind', ['Accuracy', Accuracy])
def test_more_classes_than_there_are(kind):
    run = SimpleNamespace(
        phases=('val',),
        model=dict(head=dict(num_classes=3)),
        cfg=ConfigDict(val_evaluator=dict(type=kind, topk=(1, 5))),
    )
    with pytest.raises(ValueError, match='topk'):
        top_k_of_classes(run)


@pytest.mark.parametrize('kind', ['ReduceOnPlateauLR', ReduceOnPlateauLR])
def test_a_schedule_that_follows_a_metric(kind):
    run = SimpleNamespace(
        stored=SimpleNamespace(path='a.pth'),
        new_schedule=True,
        cfg=ConfigDict(param_scheduler=dict(type=kind, monitor='loss')),
    )
    with pytest.raises(ValueError, match='type=ReduceOnPlateauLR follows'):
        schedule_can_be_rebuilt(run)


@pytest.mark.parametrize('kind', ['Pretrained', 'mmengine.Pretrained'])
def test_a_checkpoint_to_start_from(kind):
    init_cfg = dict(type=kind, checkpoint='a.pth', prefix='backbone.')
    model = DualNormViT(
        dict(
            embed_dims=16, num_layers=1, num_heads=2, feedforward_channels=16
        ),
        img_size=32,
        patch_size=16,
        init_cfg=init_cfg,
    )
    assert list(pretrained_cfgs(model)) == [init_cfg]
    assert [cfg for _, _, cfg in pretrained_parts(model)] == [init_cfg]


def test_the_last_crop_is_seen():
    pipeline = [dict(type=CenterCrop, crop_size=32)]
    assert _images_cut('x', dict(pipeline=pipeline))[1] == 32
    pipeline.append(dict(type=SimMIMMaskGenerator, input_size=48))
    with pytest.raises(ValueError, match='input_size=48'):
        _images_cut('x', dict(pipeline=pipeline))


@pytest.mark.parametrize('scope', ['', 'mmpretrain.', 'mmpretrain.models.'])
def test_the_neck_of_an_exported_classifier(zoo, scope):
    source = zoo.source('gap')
    neck = dict(type=f'{scope}GlobalAveragePooling')
    model = {**source.config['model'], 'neck': neck}
    source = dataclasses.replace(source, config={'model': model})
    assert find_architecture(source).pooling == 'avg'
    assert linear_head(source)
