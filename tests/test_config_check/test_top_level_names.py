# Copyright (c) aemim_mm contributors. All rights reserved.
from pathlib import Path

import pytest
from mmengine.config import Config
from tiny_run import text_of

from aemim_mm.config_check import check_names
from aemim_mm.utils.read_config import read_config

CONFIGS = Path(__file__).parents[2] / 'configs'


def load(tmp_path, text, base=None):
    if base is not None:
        (tmp_path / 'base.py').write_text(base)
    path = tmp_path / 'cfg.py'
    path.write_text(text)
    return Config.fromfile(str(path))


def test_typo_of_a_setting(tmp_path):
    cfg = load(tmp_path, "model = dict()\nparam_schedular = [dict(type='x')]")
    with pytest.raises(ValueError, match='Did you mean "param_scheduler"'):
        check_names(cfg)
    plain = load(tmp_path, "work_dirs = 'here'")
    with pytest.raises(ValueError, match='"work_dirs".*"work_dir"'):
        check_names(plain)


def test_typo_beside_the_same_setting(tmp_path):
    text = "val_evaluater = dict(type='A')\ntest_evaluator = dict(type='A')"
    with pytest.raises(ValueError, match='Did you mean "val_evaluator"'):
        check_names(load(tmp_path, text))


def test_variable_that_is_like_a_setting(tmp_path, warned):
    check_names(load(tmp_path, 'query_dataloader = dict(a=1)'))
    assert len(warned) == 1


def test_dict_of_another_version(tmp_path):
    text = "optimizer = dict(type='AdamW')\n"
    with pytest.raises(ValueError, match='mean "optim_wrapper.optimizer"'):
        check_names(load(tmp_path, text))
    check_names(load(tmp_path, text + 'optim_wrapper = dict(x=optimizer)\n'))


@pytest.mark.parametrize(
    'option, hint',
    [
        ('optim_wraper.clip_grad', 'optim_wrapper'),
        ('optimizer.lr', 'optim_wrapper.optimizer'),
        ('max_epochs', 'train_cfg.max_epochs'),
        ('data.samples_per_gpu', 'train_dataloader'),
        ('fp16.loss_scale', 'optim_wrapper'),
        ('epsilon', 'model.attack.epsilon'),
        ('size', 'model.size'),
        ('test_pipeline.0.type', None),
        ('xyz', None),
    ],
)
def test_options_that_nothing_reads(tmp_path, option, hint):
    text = (
        '"""The optimizer, max_epochs and data.\n\nxyz fp16"""\n'
        '# optimizer, max_epochs, xyz: data/x\n'
        'size = 5\n'
        "test_pipeline = [dict(type='a')]\n"
        'model = dict(attack=dict(epsilon=1), size=size, optimizer=1)\n'
        "test_dataloader = dict(data='max_epochs', pipeline=test_pipeline)\n"
    )
    cfg = load(tmp_path, text)
    check_names(cfg)
    cfg.merge_from_dict({option: 2})
    with pytest.raises(ValueError, match='The options set') as error:
        check_names(cfg)
    name = option.split('.')[0]
    assert f'set "{name}", but nothing reads it' in str(error.value)
    assert hint is None or f'Did you mean "{hint}"' in str(error.value)


def test_option_of_a_setting(tmp_path):
    cfg = load(tmp_path, 'model = dict(a=1)\n')
    cfg.merge_from_dict({'model.a': 2, 'randomness.seed': 1, 'tta_model.a': 1})
    check_names(cfg)


def test_option_over_a_recipe_of_the_package(tmp_path):
    """Scopes that reading drops make no difference to the file."""
    name = 'pretrain/your_images/aemim_vit-small.py'
    own = tmp_path / 'own.py'
    own.write_text(f"_base_ = 'aemim_mm::{name}'\n")
    cfg = read_config(str(own))
    pipeline = 'train_dataloader.dataset.pipeline'
    cfg.merge_from_dict({f'{pipeline}.1.scale': 32})
    check_names(cfg)
    cfg.merge_from_dict({'train_pipeline.1.scale': 16})
    with pytest.raises(ValueError, match='The options set "train_pipeline"'):
        check_names(cfg)


@pytest.mark.parametrize(
    'path',
    [
        pytest.param(
            path,
            id=path.stem,
            # mmengine reads the configs of mmdet that they build upon.
            marks=[pytest.mark.det] if 'coco' in path.parts else [],
        )
        for path in sorted(CONFIGS.rglob('*.py'))
        # An ablation differs from its base by a value.
        if not {'_base_', 'ablations'} & set(path.parts)
    ],
)
def test_dumped_config(tmp_path, warned, path):
    cfg = Config.fromfile(path)
    assert len(cfg) > 10
    (tmp_path / 'dump.py').write_text(text_of(cfg))
    check_names(Config.fromfile(tmp_path / 'dump.py'))
    # They are in computed values only: a path, a learning rate, sizes, a dict
    # that is unpacked into others.
    names = {warning.split('"')[1] for warning in warned}
    assert names <= {
        'pretrained', 'base_lr', 'batch', 'scales', 'data_root',
        'dataset_type', 'cae_bbox_head', 'folder',
    }  # fmt: skip


def test_dumped_config_after_options(tmp_path, warned):
    path = next(CONFIGS.glob('finetune/*.py'))
    cfg = Config.fromfile(path)
    cfg.merge_from_dict({'test_dataloader.dataset.pipeline': [dict(type='x')]})
    cfg.merge_from_dict({'val_dataloader.dataset.pipeline': [dict(type='x')]})
    cfg.dump(str(tmp_path / 'dump.py'))
    check_names(Config.fromfile(tmp_path / 'dump.py'))
    assert any('sets "test_pipeline"' in warning for warning in warned)


def test_typo_of_an_inherited_variable(tmp_path, warned):
    base = 'train_pipeline = [dict()]\nmodel = dict(x=train_pipeline)\n'
    text = "_base_ = 'base.py'\ntrain_pipline = [dict(a=1)]\n"
    check_names(load(tmp_path, text, base))
    assert len(warned) == 1 and 'mean "train_pipeline"' in warned[0]


def test_variables_are_used(tmp_path):
    base = 'size = 3\npipeline = [dict()]\nown = dict(a=1)\nmodel = dict()\n'
    text = (
        "_base_ = 'base.py'\n"
        'model = dict(size=size_2, pipeline={{_base_.pipeline}}, '
        'own=_base_.own)\n'
        'size_2 = 4\n'
        'two = dict(size=_base_.size)\n'
        'train_cfg = dict(**two)\n'
    ).replace('model =', 'size_2 = 1\nmodel =')
    check_names(load(tmp_path, text, base))


@pytest.mark.parametrize(
    'use',
    ['model = dict(augs=[1])', '# augs', '"""augs"""', "model = 'augs'"],
)
def test_what_is_no_use(tmp_path, warned, use):
    check_names(load(tmp_path, f'augs = [dict(a=1)]\n{use}\n'))
    assert len(warned) == 1 and 'sets "augs"' in warned[0]


@pytest.mark.parametrize(
    'text, number',
    [
        ('bgr_std = [1.0, 2.0]', 1),
        ('fp16 = dict(loss_scale=1.0)', 1),
        ('xyz = dict(a=1)', 1),
        ('data = dict(samples_per_gpu=4)', 1),
        ('resume_from = None', 0),
        ('def helper():\n    return 1', 0),
        ('size = 4\nmodel = dict(a=4)', 0),
        ("a = [1, 2]\nmodel = dict(b=f'{a}', c='d')", 0),
        ("a = [1, 2]\nmodel = dict(b=f'''\n{a}''')", 0),
        ("a = [1, 2]\nmodel = dict(b=f'b', c='a')", 1),
        ("sync_bn = 'torch'\nfind_unused_parameters = True", 0),
    ],
)
def test_harmless_names(tmp_path, warned, text, number):
    check_names(load(tmp_path, text))
    assert len(warned) == number


def test_pure_python_style_inherits_names_unseen(tmp_path):
    base = 'helper = dict(a=1)\nmodel = dict(helper=helper)\n'
    text = (
        'from mmengine.config import read_base\n'
        'with read_base():\n    from .base import *\n'
    )
    check_names(load(tmp_path, text, base))
    with pytest.raises(ValueError, match='"models"'):
        check_names(load(tmp_path, text + 'models = dict(a=2)\n', base))
