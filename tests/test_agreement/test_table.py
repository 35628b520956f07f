# Copyright (c) aemim_mm contributors. All rights reserved.
"""Runs whose statements disagree are refused before anything is written."""

import re

import pytest
import tiny_run
from test_agreement import (
    rows_classes,
    rows_coco,
    rows_folders,
    rows_lengths,
    rows_options,
    rows_origin,
    rows_pixels,
    rows_ranges,
    rows_resumed,
    rows_shapes,
)
from test_agreement.table import files

ROWS = [
    *rows_lengths.ROWS,
    *rows_folders.ROWS,
    *rows_classes.ROWS,
    *rows_coco.ROWS,
    *rows_options.ROWS,
    *rows_ranges.ROWS,
    *rows_shapes.ROWS,
    *rows_origin.ROWS,
    *rows_pixels.ROWS,
    *rows_resumed.ROWS,
]

# What is printed without us, too: of data sets that are built, and of weights.
STOCK = re.compile(
    'Could not import OneDL|Found no valid file in the folder|'
    'loading annotations|Done|creating index|index created|'
    'The current default scope|Loads checkpoint by local backend'
)


@pytest.mark.parametrize(
    'row',
    [
        pytest.param(row, id=row.name, marks=[pytest.mark.det] * row.det)
        for row in ROWS
    ],
)
def test_row(row, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    tool = tiny_run.load_tool(row.tool)
    arguments = row.make(tmp_path)
    before = files(tmp_path)
    capfd.readouterr()
    if not row.says:
        run, _ = tool.prepare(arguments)
        printed = ''.join(capfd.readouterr()).splitlines()
        assert not [line for line in printed if not STOCK.search(line)]
        said = ' '.join(run.notes)
        assert not [text for text in row.notes if text not in said], said
        assert bool(run.notes) == bool(row.notes)
        if row.check is not None:
            row.check(run)
        return
    with pytest.raises(SystemExit) as stop:
        tool.prepare(arguments)
    message = capfd.readouterr().err
    assert not [text for text in row.says if text not in message], message
    assert stop.value.code == 2
    assert files(tmp_path) == before
