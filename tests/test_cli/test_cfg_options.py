# Copyright (c) aemim_mm contributors. All rights reserved.
import argparse

import pytest
from mmengine.config import DictAction

from aemim_mm_cli.cfg_options import CfgOptions, parse_value

AS_DICT_ACTION = [
    '1',
    '-3',
    '007',
    '1e-3',
    '.5',
    'nan',
    'inf',
    'true',
    'False',
    'None',
    'none',
    'text',
    'mmdet.Resize',
    's3://bucket/a?b=c',
    '1,2,3',
    'a,b',
    '[1,2]',
    '[a,b]',
    '(1,2)',
    '(1)',
    '(1,)',
    '[]',
    '()',
    '[[1,2],(a,b),c]',
    '[(1,2),(3,4)]',
    '(1,2),(3,4)'[:5],
    '[True,None,x]',
    '[a, b, c]',
    "'text'",
    '"text"',
    'a[0]',
    'f(x)',
    'iter_{}.pth',
    '[0.9,0.95]',
    '2.5e-4',
    '/data/photos',
]
OTHERWISE = {
    '/data/Bilder für Öl': '/data/Bilder für Öl',
    'w/my run': 'w/my run',
    ' padded ': ' padded ',
    "l'été": "l'été",
    "'1,2'": '1,2',
    "'a, b'": 'a, b',
    '"3"': '3',
    "dict(a='x')": dict(a='x'),
    "dict(type='A', b=[1, (2, 3)], c=dict(d=None))": dict(
        type='A', b=[1, (2, 3)], c=dict(d=None)
    ),
    "{'a': {'b': (1, 2)}}": dict(a=dict(b=(1, 2))),
    "[dict(type='A'),dict(type='B', p=0.5)]": [
        dict(type='A'),
        dict(type='B', p=0.5),
    ],
    '[my photos,others]': ['my photos', 'others'],
    "['a,b',c]": ['a,b', 'c'],
    '(1,2),(3,4)': [(1, 2), (3, 4)],
    '': '',
    'a(1': 'a(1',
    '2024_01': '2024_01',
    "[it's,(1,2)]": ["it's", (1, 2)],
    "dict({'.bias': 1}, a=2)": {'.bias': 1, 'a': 2},
}


def same(first, second):
    """Equal in value and in type, at every depth."""
    return repr(first) == repr(second)


@pytest.mark.parametrize('text', AS_DICT_ACTION)
def test_as_in_mmengine(text):
    assert same(parse_value(text), DictAction._parse_iterable(text))


@pytest.mark.parametrize('text', OTHERWISE)
def test_as_typed(text):
    assert same(parse_value(text), OTHERWISE[text])


@pytest.mark.parametrize(
    'text, says',
    [
        ('a.b', '"a.b" is not KEY=VALUE'),
        ('=3', '"=3" is not KEY=VALUE'),
        ('a=[1,2', 'do not match in [1,2'),
        ('a=(1,[2)', 'do not match'),
        ('a=dict(type=A)', 'KEY.type=X'),
        ('a=dict(open("f"))', 'not a dict of plain values'),
        ("a={**{'b': 1}}", 'not a dict of plain values'),
        ("a={'b'", 'not a dict of plain values'),
    ],
)
def test_what_cannot_be_read(capsys, text, says):
    with pytest.raises(SystemExit) as stop:
        parse(text)
    assert stop.value.code == 2
    assert says in capsys.readouterr().err


def parse(*texts):
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=CfgOptions)
    return parser.parse_args(['--cfg-options', *texts]).cfg_options


def test_options_add_up():
    parser = argparse.ArgumentParser()
    parser.add_argument('-o', nargs='+', action=CfgOptions)
    args = parser.parse_args(['-o', 'a.b=1', 'c=x=y', '-o', 'a.b=2'])
    assert args.o == {'a.b': 2, 'c': 'x=y'}
    assert parser.parse_args([]).o is None
