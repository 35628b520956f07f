# Copyright (c) aemim_mm contributors. All rights reserved.
from aemim_mm.config_check.variables import (
    is_variable,
    used_names,
)


def test_names_of_python_files():
    text = (
        '/a b/base.py\n'
        '"""doc: in_doc"""\n'
        'size = 3  # in_comment\n'
        "x = dict(key=size, y='in_string', z=f'{in_format}')\n"
        '/a b/c.py\n'
        "_base_ = './base.py'\n"
        "y = dict(a={{_base_.one}}, b='{{_base_.two.three}}')\n"
        'z = dict(**_base_.four.five, k=other.attribute)\n'
    )
    assert used_names(text) == {
        'dict',
        'size',
        'in_format',
        'one',
        'two',
        '_base_',
        'four',
        'other',
    }


def test_file_that_does_not_parse():
    text = (
        '/a/base.py\nhelper = 1\nx = [helper]\n'
        '/a/c.py\n'
        'port = {{$PORT:8080}}  # in_comment\n'
        'x = dict(key=used, y="in_string", z={{ _base_.one }}, a=_base_.two)\n'
    )
    used = used_names(text)
    assert {'helper', 'used', 'one', 'two'} <= used
    assert used.isdisjoint({'in_comment', 'in_string', 'key', 'port', 'x'})


def test_names_of_other_formats():
    text = '/a/c.yaml\nmodel:\n  size: 3\n  name: "helper"\n'
    assert used_names(text).isdisjoint({'model', 'size', 'name', 'helper'})


def test_unseen_bases_of_the_pure_python_style():
    text = 'with read_base():\n    from .base import *\nown = 1\n'
    assert is_variable('inherited', text)
    assert not is_variable('own', text)
    assert not is_variable('inherited', 'own = 1\n')
