# Copyright (c) aemim_mm contributors. All rights reserved.
from argparse import ArgumentTypeError
from pathlib import Path

import pytest

from aemim_mm_cli import places

NAME = 'aemim_vit-small-p16_8xb512-amp-coslr-300e_in1k'
ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / 'configs' / 'pretrain' / f'{NAME}.py'


def test_a_checkout_is_its_own_home():
    assert places.CONFIGS == ROOT / 'configs'
    assert places.TOOLS == ROOT / 'tools'
    assert places.HOME == places.ROOT == ROOT


@pytest.mark.parametrize(
    'text',
    [
        NAME,
        f'{NAME}.py',
        f'pretrain/{NAME}',
        f'configs/pretrain/{NAME}.py',
        str(FILE),
    ],
)
def test_a_recipe_is_found_from_any_folder(monkeypatch, tmp_path, text):
    monkeypatch.chdir(tmp_path)
    assert places.config_path(text) == str(FILE)


def test_what_lies_here_comes_first(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / f'{NAME}.py').touch()
    assert places.config_path(f'{NAME}.py') == f'{NAME}.py'


def test_a_work_dir_of_a_recipes_name_is_no_config(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / NAME).mkdir()
    assert places.config_path(NAME) == str(FILE)


def test_a_tool_is_named_as_it_can_be_run(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    assert places.tool('train.py') == 'tools/train.py'
    monkeypatch.chdir(tmp_path)
    assert places.tool('train.py') == str(ROOT / 'tools' / 'train.py')


def test_a_path_to_nowhere_is_left_to_who_opens_it():
    assert places.config_path('nowhere/x.py') == 'nowhere/x.py'


def test_a_wrong_name_brings_similar_ones():
    wrong = NAME.replace('small', 'smal')
    with pytest.raises(ArgumentTypeError, match=f'Did you mean {NAME}'):
        places.config_path(wrong)
    # Part of a name is none.
    with pytest.raises(ArgumentTypeError, match='neither a file nor'):
        places.config_path(NAME[1:])


def test_an_ambiguous_name_is_no_name(monkeypatch, tmp_path):
    for folder in 'ab':
        (tmp_path / folder).mkdir()
        (tmp_path / folder / 'x.py').touch()
    monkeypatch.setattr(places, 'CONFIGS', tmp_path)
    with pytest.raises(ArgumentTypeError, match='the name of 2 recipes'):
        places.config_path('x')
    assert places.config_path('a/x') == str(tmp_path / 'a' / 'x.py')


def test_a_recipe_has_a_name_of_its_own():
    known = places.recipes()
    assert len({path.stem for path in known.values()}) == len(known) > 100
    assert not [name for name in known if '_base_' in name]
