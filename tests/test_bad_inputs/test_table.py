# Copyright (c) aemim_mm contributors. All rights reserved.
"""Whatever a tool is given ends in a result, or in one readable message."""

import sys

import pytest
from test_bad_inputs import (
    rows_checkpoints,
    rows_configs,
    rows_data,
    rows_images,
    rows_outputs,
    rows_results,
)
from test_bad_inputs.table import contents, exit_code, limited

ROWS = [
    *rows_configs.ROWS,
    *rows_checkpoints.ROWS,
    *rows_images.ROWS,
    *rows_data.ROWS,
    *rows_results.ROWS,
    *rows_outputs.ROWS,
]


@pytest.mark.parametrize(
    'row',
    [
        pytest.param(row, id=row.name, marks=[pytest.mark.slow] * row.slow)
        for row in ROWS
    ],
)
def test_row(row, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    argv = [str(argument) for argument in row.make(tmp_path)]
    monkeypatch.setattr(sys, 'argv', [row.tool, *argv])
    before = contents(tmp_path)
    capfd.readouterr()
    with limited(row.room):
        code = exit_code(row.tool)
    out, err = capfd.readouterr()
    assert not (tmp_path / 'executed').exists()  # by a pickle
    if row.says:
        assert code == 2, out + err
        assert 'error: ' in err and 'Traceback' not in err
        assert not [text for text in row.says if text not in err], err
        assert contents(tmp_path) == before
        return
    assert not code, err
    assert not [text for text in row.prints if text not in out + err], out
    assert contents(tmp_path) != before


def test_there_are_enough():
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names) >= 80
