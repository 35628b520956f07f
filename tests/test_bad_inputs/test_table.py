# Copyright (c) aemim_mm contributors. All rights reserved.
"""Whatever is given to a tool ends in a result or in one readable message."""

import sys
import traceback
from pathlib import Path

import pytest
import tiny_run
from test_bad_inputs import rows_checkpoints
from test_bad_inputs.table import contents
import os, importlib

ROWS = []
for m in os.environ.get('PROBE', 'rows_checkpoints').split(','):
    ROWS += importlib.import_module(f'test_bad_inputs.{m}').ROWS

@pytest.mark.parametrize('row', ROWS, ids=lambda r: r.name)
def test_row(row, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    argv = [str(a) for a in row.make(tmp_path)]
    monkeypatch.setattr(sys, 'argv', [row.tool, *argv])
    before = contents(tmp_path)
    capfd.readouterr()
    tool = tiny_run.load_tool(row.tool)
    from aemim_mm_cli.user_errors import run_main
    more = [RuntimeError] if row.tool in ('export_backbone', 'import_checkpoint') else []
    try:
        run_main(tool.main, *more)
    except SystemExit as s:
        code = s.code
        tb = ''
    except BaseException as e:
        code = f'TRACEBACK {type(e).__name__}: {e}'
        tb = traceback.format_exc()
    after = contents(tmp_path)
    out, err = capfd.readouterr()
    with open('/tmp/probe.txt', 'a') as f:
        changed = sorted(k for k in set(before) | set(after) if before.get(k) != after.get(k))
        f.write(f'### {row.name}\n  code {code}\n  changed {changed}\n  err: {err[-700:]}\n')
        if tb: f.write('  TB ' + '\n'.join(tb.splitlines()[-6:]) + '\n')
