# Copyright (c) aemim_mm contributors. All rights reserved.
"""Runs whose statements disagree are refused before anything is written."""

import gc
from collections import OrderedDict

import pytest
import tiny_run
from mmengine.logging import MMLogger
from test_agreement import rows_lengths, rows_origin, rows_resumed
from test_agreement.table import files

ROWS = [*rows_lengths.ROWS, *rows_origin.ROWS, *rows_resumed.ROWS]


@pytest.mark.parametrize('row', ROWS, ids=[row.name for row in ROWS])
def test_row(row, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    # A logger writes to the stream that was there when it was made.
    monkeypatch.setattr(MMLogger, '_instance_dict', OrderedDict())
    # Half a second for each data set.
    monkeypatch.setattr(gc, 'collect', lambda: 0)
    tool = tiny_run.load_tool(row.tool)
    arguments = row.make(tmp_path)
    before = files(tmp_path)
    capfd.readouterr()
    if not row.says:
        run, _ = tool.prepare(arguments)
        printed = ''.join(capfd.readouterr())
        if row.notes:
            assert not [text for text in row.notes if text not in printed]
        else:
            assert printed == ''
        if row.check is not None:
            row.check(run)
        return
    with pytest.raises(SystemExit) as stop:
        tool.prepare(arguments)
    message = capfd.readouterr().err
    assert not [text for text in row.says if text not in message], message
    assert 'Traceback' not in message
    assert stop.value.code == 2
    assert files(tmp_path) == before
