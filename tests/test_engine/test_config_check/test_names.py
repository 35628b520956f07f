# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
from mmengine.config import Config
from mmengine.logging import MMLogger

from aemim_mm.engine.config_check import check_names


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


def test_dict_that_resembles_nothing(tmp_path):
    cfg = load(tmp_path, 'xyz = dict(a=1)')
    with pytest.raises(ValueError, match='sets "xyz", but nothing reads it'):
        check_names(cfg)


def test_typo_on_the_command_line(tmp_path):
    cfg = load(tmp_path, 'model = dict()')
    cfg.merge_from_dict({'optim_wraper.clip_grad': 1})
    with pytest.raises(ValueError, match='"optim_wrapper"'):
        check_names(cfg)


def test_typo_of_an_inherited_variable(tmp_path):
    base = 'train_pipeline = [dict()]\nmodel = dict(x=train_pipeline)\n'
    text = "_base_ = 'base.py'\ntrain_pipline = [dict()]\n"
    with pytest.raises(ValueError, match='mean "train_pipeline"'):
        check_names(load(tmp_path, text, base))


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


def test_keyword_of_the_same_name_is_no_use(tmp_path):
    cfg = load(tmp_path, 'augs = [dict()]\nmodel = dict(augs=[1])\n')
    with pytest.raises(ValueError, match='"augs"'):
        check_names(cfg)


@pytest.mark.parametrize(
    'text, warned',
    [
        ('bgr_std = [1.0, 2.0]', True),
        ('fp16 = dict(loss_scale=1.0)', True),
        ('resume_from = None', False),
        ("sync_bn = 'torch'\nfind_unused_parameters = True", False),
    ],
)
def test_harmless_names(tmp_path, monkeypatch, text, warned):
    messages = []
    logger = MMLogger.get_current_instance()
    monkeypatch.setattr(logger, 'log', lambda level, msg: messages.append(msg))
    check_names(load(tmp_path, text))
    assert len(messages) == warned


def test_pure_python_style_inherits_names_unseen(tmp_path):
    base = 'helper = dict(a=1)\nmodel = dict(helper=helper)\n'
    text = (
        'from mmengine.config import read_base\n'
        'with read_base():\n    from .base import *\n'
    )
    check_names(load(tmp_path, text, base))
    with pytest.raises(ValueError, match='"models"'):
        check_names(load(tmp_path, text + 'models = dict(a=1)\n', base))
