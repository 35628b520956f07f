# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
from mmengine.config import Config

from aemim_mm.utils.read_config import read_config
from aemim_mm_cli.places import CONFIGS


@pytest.mark.parametrize(
    'recipe',
    [
        'pretrain/aemim_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py',
        # of another scope
        pytest.param(
            'coco/mask-rcnn_vit-tiny-p16_plain-fpn_1xb2-100e_mini-coco.py',
            marks=pytest.mark.det,
        ),
    ],
)
def test_a_base_by_package_is_the_base_by_path(tmp_path, recipe):
    own = tmp_path / 'own.py'
    own.write_text(f"_base_ = 'aemim_mm::{recipe}'\nmodel = dict(extra=1)\n")
    expected = Config.fromfile(CONFIGS / recipe)
    expected.merge_from_dict(dict(model=dict(extra=1)))
    assert "_scope_='aemim_mm'" in Config.fromfile(own).pretty_text
    assert read_config(str(own)).to_dict() == expected.to_dict()


def test_scopes_of_others_stay(tmp_path):
    own = tmp_path / 'own.py'
    own.write_text("a = dict(b=[dict(type='X', _scope_='mmdet')])\n")
    assert read_config(str(own)).a.b[0]['_scope_'] == 'mmdet'


@pytest.mark.parametrize(
    'text, error, message',
    [
        ('a = (', ValueError, 'own.py cannot be read: SyntaxError: '),
        ('a = b', ValueError, "own.py cannot be read: NameError: name 'b'"),
        ("_base_ = 'no.py'", FileNotFoundError, 'no.py'),
        ("_base_ = 'nopackage::a/b.py'", ValueError, 'AssertionError: '),
        ('import nomodule', ImportError, 'nomodule'),
    ],
)
def test_what_is_no_config_is_the_users_error(tmp_path, text, error, message):
    own = tmp_path / 'own.py'
    own.write_text(text)
    with pytest.raises(error, match=message):
        read_config(str(own))
