# Copyright (c) aemim_mm contributors. All rights reserved.
"""The manifest holds every number that the paper prints."""

import pytest
import tiny_run

from aemim_mm.reproduction.manifest import (
    read_preset,
    read_tables,
)
from aemim_mm_cli.choices import PRESETS

TABLES = read_tables()
# The paper's tables, line by line as they are printed.
PRINTED = {
    'table4': """
        MoCo-v3 300 - 81.4 - -
        BEiT 300 3.5 81.3 - -
        CIM-RESPIX 300 6.3 81.5 - -
        MAE* 300 1 80.9 86.9 70.1
        Fast AEMIM 300 1.3 81.2 87.0 70.5
        AEMIM 300 2.3 81.4 87.2 70.8
        MoCo-v3 300 - 83.2 - -
        BEiT 800 9.3 83.2 - -
        CIM-RESPIX 300 6.3 83.3 - -
        CIM-RESPIX 800 16.8 83.4 - -
        MAE* 300 1 82.9 87.8 72.1
        MAE* 800 2.7 83.3 87.8 72.7
        MAE 1600 5.3 83.6 88.2 73.2
        Fast AEMIM 300 1.3 83.3 87.8 72.9
        Fast AEMIM 800 3.5 83.6 88.1 73.5
        AEMIM 300 2.3 83.4 87.9 72.9
        AEMIM 800 6.1 83.8 88.5 74.0""",
    'table5': """
        MAE* 300 24.5 45.5 32.0 53.9 37.0
        Fast AEMIM 300 24.6 45.9 32.2 53.5 37.3
        AEMIM 300 24.3 46.0 33.1 53.9 37.4
        MAE* 300 30.9 48.1 34.2 52.4 40.2
        MAE* 800 35.3 48.3 34.4 51.9 41.5
        MAE 1600 35.9 48.3 34.5 51.7 41.8
        Fast AEMIM 300 34.3 49.7 36.1 50.1 42.5
        Fast AEMIM 800 37.6 49.7 36.0 49.6 43.4
        AEMIM 300 34.5 49.6 35.6 49.8 42.5
        AEMIM 800 38.0 50.6 36.5 49.3 44.0""",
    'table6': """
        MAE* 800 83.3 42.6 37.3 33.9 31.4 45.7
        MAE 1600 83.6 42.8 38.4 35.2 33.0 46.6
        Fast AEMIM 800 83.6 44.0 38.3 33.3 30.8 46.0
        AEMIM 800 83.8 44.3 38.7 35.3 32.1 46.9""",
    'table7': """
        BEiT 300 35.6 32.6
        MAE* 300 38.8 35.1
        Fast AEMIM 300 39.2 35.5
        AEMIM 300 40.4 36.5
        BEiT 800 35.6 32.6
        MAE* 300 45.8 40.7
        MAE* 800 47.2 42.0
        MAE* 1600 48.3 42.5
        Fast AEMIM 800 48.0 42.4
        AEMIM 300 46.4 41.3
        AEMIM 800 48.7 43.0""",
    'table9': """
        SimMIM 100 83.5 88.2 72.8 34.9 47.5 34.5 53.4
        AEMIM 100 83.7 88.3 72.7 36.5 48.5 35.8 52.4""",
}
# Of the ablations, the values alone: the paper lays them out in four parts.
ABLATIONS = [
    *(81.3, 81.4, 81.2),
    *(81.2, 81.4, 81.4),
    *(81.2, 81.4, 81.4),
    *(81.1, 81.3, 81.4),
]
COLUMNS = {
    'table4': 'RPTT IN IN-Real IN-V2',
    'table5': 'IN-A IN-R IN-S IN-C Score',
    'table6': 'eps=0 eps=1 eps=2 eps=4 eps=8 Average',
    'table7': 'APbox APmask',
    'table8': 'Top-1',
    'table9': 'IN IN-Real IN-V2 IN-A IN-R IN-S IN-C',
}


@pytest.mark.parametrize('name', PRINTED)
def test_numbers_of_the_paper(name):
    table = TABLES[name]
    lines = [line.split() for line in PRINTED[name].strip().splitlines()]
    places = len(table.columns)
    assert [row.method for row in table.rows] == [
        ' '.join(line[: -places - 1]) for line in lines
    ]
    assert [row.epochs for row in table.rows] == [
        int(line[-places - 1]) for line in lines
    ]
    assert [row.paper for row in table.rows] == [
        tuple(None if v == '-' else float(v) for v in line[-places:])
        for line in lines
    ]


def test_numbers_of_the_ablations():
    rows = TABLES['table8'].rows
    assert [row.paper for row in rows] == [(value,) for value in ABLATIONS]
    parts = [row.method[:3] for row in rows]
    assert parts == [f'({part})' for part in 'abcd' for _ in range(3)]
    # The row that the paper underlines is the same run in every part.
    base = TABLES['table4'].rows[5].run
    assert [row.run for row in rows].count(base) == 4


def test_numbers_of_the_figures():
    values = {row.run: row.paper for row in TABLES['figure3'].rows}
    assert values['mae-vit-b-1600'] == (11.9,)
    assert values['aemim-vit-b-800'] == (16.0,)
    ratios = [row.method.split()[-1] for row in TABLES['figure4'].rows]
    assert ratios == [f'0.{digit}' for digit in range(1, 10)]
    assert len(TABLES['figure2'].rows) == 2


@pytest.mark.parametrize('name', COLUMNS)
def test_columns(name):
    table = TABLES[name]
    assert ' '.join(table.columns) == COLUMNS[name]
    assert all(len(row.paper) == len(table.columns) for row in table.rows)
    names = [row.name for row in table.rows]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize('name', PRESETS)
def test_recipes_of_a_preset(name):
    preset = read_preset(name)
    runs = {row.run for table in TABLES.values() for row in table.rows}
    assert set(preset.runs) <= runs
    assert set(preset.same.values()) <= set(preset.runs)
    timed = {run for group in preset.cost for run in group.runs}
    assert timed <= set(preset.runs)
    for group in preset.cost:
        assert (tiny_run.ROOT / 'configs' / group.base).is_file()
    for recipes in preset.runs.values():
        for recipe in recipes.values():
            path = tiny_run.ROOT / 'configs' / recipe.config
            assert path.is_file(), path
    if name == 'imagenet':
        assert set(preset.runs) == runs


@pytest.mark.parametrize('name', PRESETS[1:])
def test_what_the_small_presets_cover(name):
    preset = read_preset(name)
    for table in ('table4', 'table5', 'table6', 'table8'):
        rows = TABLES[table].rows
        assert any(preset.run_of(row) for row in rows), table
    for figure in ('figure2', 'figure3', 'figure4'):
        rows = TABLES[figure].rows
        assert sum(preset.run_of(row) is not None for row in rows) > 1
