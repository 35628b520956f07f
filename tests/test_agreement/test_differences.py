# Copyright (c) aemim_mm contributors. All rights reserved.
from mmengine.config import ConfigDict
from torch import nn

from aemim_mm.agreement.differences import differences, listed, plain


def compared(then, now):
    return list(differences(plain(then), plain(now), 'model'))


def test_what_does_not_matter():
    then = dict(type='MAE', sizes=(1, 2), norm=dict(type='SyncBN'))
    now = ConfigDict(
        type='mmpretrain.MAE',
        _scope_='mmpretrain',
        sizes=[1, 2],
        norm=dict(type='BN'),
        neck=None,
        with_cp=True,
    )
    assert compared(then, now) == []
    assert plain(dict(type=nn.ReLU)) == dict(type='ReLU')


def test_every_place_is_named():
    then = dict(a=[dict(b=1), 2], c=dict(d=3), e=[1])
    now = dict(a=[dict(b=5), 2], c=dict(f=4), e=[1, 2])
    assert compared(then, now) == [
        ('model.a.0.b', 1, 5),
        ('model.c.d', 3, 'absent'),
        ('model.c.f', 'absent', 4),
        ('model.e', [1], [1, 2]),
    ]
    text = listed(compared(then, now))
    assert text.startswith('model.a.0.b was 1 and is 5; ')
    assert text.endswith('; and 1 more')


def test_of_another_type_nothing_else_is_compared():
    found = compared(dict(type='SGD', lr=1), dict(type='AdamW', betas=(0, 1)))
    assert found == [('model.type', 'SGD', 'AdamW')]
