# Copyright (c) aemim_mm contributors. All rights reserved.
import copy

import pytest
import tiny_run
from mmengine.config import Config

from aemim_mm.algorithms import AEMIMAlgorithm
from aemim_mm.config_check import check_constructor_keys


def config(model=None, **options):
    cfg = tiny_run.pretrain_cfg('data', model or tiny_run.aemim())
    cfg = Config(copy.deepcopy(cfg))
    cfg.merge_from_dict(options)
    return cfg


def test_right_configs_pass():
    check_constructor_keys(config())
    check_constructor_keys(config(tiny_run.mae()))
    check_constructor_keys(Config(tiny_run.classify_cfg('data')))


@pytest.mark.parametrize(
    'key, place, guess',
    [
        ('model.adv_ration', 'model', 'adv_ratio'),
        ('model.bacbone', 'model', 'backbone'),
        ('model.attack.epslion', 'model.attack', 'epsilon'),
        ('model.backbone.mask_ration', 'model.backbone', 'mask_ratio'),
        ('model.head.loss.critrion', 'model.head.loss', 'criterion'),
        ('model.data_preprocessor.maen', 'model.data_preprocessor', 'mean'),
        ('train_dataloader.num_worker', 'train_dataloader', 'num_workers'),
        (
            'train_dataloader.dataset.data_rot',
            'train_dataloader.dataset',
            'data_root',
        ),
        (
            'train_dataloader.sampler.shufle',
            'train_dataloader.sampler',
            'shuffle',
        ),
        (
            'train_dataloader.dataset.pipeline.1.sclae',
            r'train_dataloader.dataset.pipeline.1',
            'scale',
        ),
        ('optim_wrapper.clip_grads', 'optim_wrapper', 'clip_grad'),
        ('optim_wrapper.optimizer.beta', 'optim_wrapper.optimizer', 'betas'),
        ('default_hooks.logger.intervall', 'default_hooks.logger', 'interval'),
        ('custom_hooks.0.priorty', r'custom_hooks.0', 'priority'),
        ('log_processor.windowsize', 'log_processor', 'window_size'),
        ('train_cfg.max_epoch', 'train_cfg', 'max_epochs'),
        (
            'optim_wrapper.paramwise_cfg.norm_deacy_mult',
            'optim_wrapper.paramwise_cfg',
            'norm_decay_mult',
        ),
        ('auto_scale_lr.enabel', 'auto_scale_lr', 'enable'),
        ('randomness.deterministc', 'randomness', 'deterministic'),
        ('env_cfg.cudnn_benchmrk', 'env_cfg', 'cudnn_benchmark'),
        ('env_cfg.mp_cfg.mp_start_metod', 'env_cfg.mp_cfg', 'mp_start_method'),
    ],
)
def test_wrong_key(key, place, guess):
    name = key.split('.')[-1]
    with pytest.raises(TypeError) as error:
        check_constructor_keys(config(**{key: 1}))
    error.match(rf'^{place}: \w+ takes no key "{name}"\.')
    error.match(rf'Did you mean .*"{guess}"')
    error.match(rf'Allowed keys: .*\b{guess}\b')


def test_wrong_key_of_schedulers_loops_evaluators_and_visualizers():
    for section, part in dict(
        param_scheduler=[dict(type='LinearLR', start_facto=1)],
        train_cfg=dict(type='EpochBasedTrainLoop', max_epoch=1),
        val_evaluator=dict(type='Accuracy', top_k=1),
        visualizer=dict(
            type='UniversalVisualizer',
            vis_backends=[dict(type='LocalVisBackend', save_dirr=1)],
        ),
    ).items():
        cfg = config()
        cfg[section] = part
        with pytest.raises(TypeError, match=section):
            check_constructor_keys(cfg)


def test_data_root_of_imagenet():
    cfg = config(**{'train_dataloader.dataset.type': 'ImageNet'})
    del cfg.train_dataloader.dataset['with_label']
    cfg.train_dataloader.dataset['split'] = 'train'
    check_constructor_keys(cfg)
    cfg.train_dataloader.dataset['data_rot'] = 'data'
    with pytest.raises(TypeError, match='ImageNet takes no.*"data_root"'):
        check_constructor_keys(cfg)


def test_keys_that_builders_take():
    cfg = config()
    cfg.custom_hooks[0]['priority'] = 'LOW'
    cfg.param_scheduler = [
        dict(type='LinearLR', by_epoch=True, convert_to_iter_based=True)
    ]
    cfg.optim_wrapper['paramwise_cfg'] = dict(norm_decay_mult=0.0)
    cfg.model.backbone['norm_cfg'] = dict(type='LN', eps=1e-6, extra=1)
    check_constructor_keys(cfg)


def test_keys_of_a_childs_config_that_the_parent_takes_out():
    cfg = config()
    policy = dict(
        type='Rotate', magnitude_key='angle', magnitude_range=(0, 30)
    )
    augment = dict(
        type='RandAugment',
        policies=[policy],
        num_policies=1,
        magnitude_level=1,
    )
    cfg.train_dataloader.dataset.pipeline.insert(1, augment)
    check_constructor_keys(cfg)
    policy['magnitud'] = 1
    augment['policies'] = [policy]
    cfg.train_dataloader.dataset.pipeline[1] = augment
    with pytest.raises(TypeError, match=r'policies.0.*"magnitud"'):
        check_constructor_keys(cfg)


def test_a_method_is_checked_with_its_own_keys():
    model = tiny_run.aemim(base_momentum=0.9)
    with pytest.raises(TypeError, match='takes no key "base_momentum"'):
        check_constructor_keys(config(model))
    with pytest.raises(KeyError, match='model.method.*"SimMM".*"SimMIM"'):
        check_constructor_keys(config(dict(model, method='SimMM')))


def test_a_subclass_takes_the_keys_of_its_bases():
    class WithRows(AEMIMAlgorithm):
        def __init__(self, *, rows, **kwargs):
            super().__init__(**kwargs)

    model = tiny_run.aemim(rows=3)
    model['type'] = WithRows
    check_constructor_keys(config(model))
    with pytest.raises(TypeError, match='takes no key "rwos".*"rows"'):
        check_constructor_keys(config(dict(model, rwos=3)))


@pytest.mark.parametrize(
    'key, typo, guess',
    [
        ('model.type', 'AEMIMAlgoritm', 'AEMIMAlgorithm'),
        ('model.backbone.type', 'MAEVit', 'MAEViT'),
        ('train_dataloader.dataset.type', 'CustomDatset', 'CustomDataset'),
        (
            'train_dataloader.dataset.pipeline.1.type',
            'RandomResizeCrop',
            'RandomResizedCrop',
        ),
        ('custom_hooks.0.type', 'EpochSedHook', 'EpochSeedHook'),
        ('optim_wrapper.optimizer.type', 'AdmaW', 'AdamW'),
    ],
)
def test_unknown_type(key, typo, guess):
    with pytest.raises(KeyError, match=f'"{typo}" is in no.*"{guess}"'):
        check_constructor_keys(config(**{key: typo}))


def test_type_that_resembles_nothing_is_left_to_the_build():
    cfg = config()
    cfg.model.backbone['own'] = dict(type='qkv', anything=1)
    with pytest.raises(TypeError, match='takes no key "own"'):
        check_constructor_keys(cfg)
    cfg.model = dict(type='Qqqqqq', own=dict(type='qkv', anything=1))
    check_constructor_keys(cfg)
