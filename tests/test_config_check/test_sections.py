# Copyright (c) aemim_mm contributors. All rights reserved.
import copy

import pytest
import tiny_run
from mmengine.config import Config

from aemim_mm.config_check import check_constructor_keys


def config(model=None, **options):
    cfg = tiny_run.pretrain_cfg('data', model or tiny_run.aemim())
    cfg = Config(copy.deepcopy(cfg))
    cfg.merge_from_dict(options)
    return cfg


def test_sections_without_a_type():
    cfg = config()
    del cfg.optim_wrapper['type'], cfg.optim_wrapper['loss_scale']
    cfg.val_cfg = dict(fp16=False)
    check_constructor_keys(cfg)
    for key, guess in {
        'optim_wrapper.clip_grads': 'clip_grad',
        'val_cfg.fp61': 'fp16',
        'test_cfg.fp61': 'fp16',
    }.items():
        wrong = copy.deepcopy(cfg)
        wrong.merge_from_dict({key: 1})
        with pytest.raises(TypeError, match=f'mean .*"{guess}"'):
            check_constructor_keys(wrong)
    cfg.train_cfg = dict(by_epoch=False, max_iters=4)
    check_constructor_keys(cfg)
    cfg.train_cfg = dict(by_epoch=False, max_epochs=4)
    with pytest.raises(TypeError, match='^train_cfg: IterBasedTrainLoop'):
        check_constructor_keys(cfg)


@pytest.mark.parametrize('tta', [False, True])
def test_data_preprocessor_of_a_classifier(tta):
    cfg = Config(tiny_run.classify_cfg('data'))
    if tta:
        model = cfg.model
        cfg.model = dict(type='AverageClsScoreTTA', module=model)
    inside = copy.deepcopy(cfg)
    place = 'model.module' if tta else 'model'
    inside.merge_from_dict({f'{place}.data_preprocessor.num_class': 1})
    with pytest.raises(
        TypeError, match=rf'^{place}\.data_preprocessor: ClsDataP.*num_classes'
    ):
        check_constructor_keys(inside)
    cfg.data_preprocessor = dict(mean=[0], to_rgb=True, num_classes=2)
    check_constructor_keys(cfg)
    cfg.data_preprocessor['to_rbg'] = True
    with pytest.raises(TypeError, match='^data_preprocessor: .*"to_rgb"'):
        check_constructor_keys(cfg)


def test_data_preprocessor_of_a_self_supervised_algorithm():
    for model in (tiny_run.mae(), tiny_run.aemim()):
        cfg = config(model, data_preprocessor=dict(mean=[0], std=[1]))
        check_constructor_keys(cfg)
        cfg.data_preprocessor['num_classes'] = 2
        with pytest.raises(TypeError, match='SelfSupDataPreprocessor'):
            check_constructor_keys(cfg)
