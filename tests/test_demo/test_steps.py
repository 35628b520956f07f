# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
from tiny_run import ROOT

from aemim_mm.demo import steps as demo_steps
from aemim_mm.demo.steps import (
    Clock,
    minutes,
    run_tool,
)


def test_phases_are_announced_and_measured(monkeypatch, capsys):
    times = iter([100.0, 100.0, 161.0, 165.0, 300.0])
    monkeypatch.setattr(demo_steps.time, 'perf_counter', lambda: next(times))
    clock = Clock('demo', ('bake', 'eat'))
    with clock.phase('bake'):
        pass
    with clock.phase('eat'):
        pass
    assert capsys.readouterr().out == (
        '\n[demo 1/2, at 0:00 min] bake\n\n[demo 2/2, at 1:05 min] eat\n'
    )
    assert clock.seconds == {'bake': 61.0, 'eat': 135.0}


def test_minutes():
    assert [minutes(s) for s in (0, 59.9, 61, 3600)] == [
        '0:00 min',
        '0:59 min',
        '1:01 min',
        '60:00 min',
    ]


def test_a_tool_runs_in_the_folder_of_tools_and_its_failure_is_named(
    tmp_path, monkeypatch
):
    (tmp_path / 'tools').mkdir()
    script = tmp_path / 'tools' / 'note.py'
    script.write_text(
        'import pathlib, sys\n'
        'pathlib.Path("note.txt").write_text(" ".join(sys.argv[1:]))\n'
        'sys.exit(len(sys.argv) - 3)\n'
    )
    monkeypatch.chdir(ROOT)
    run_tool(script, 1, tmp_path)
    assert (tmp_path / 'note.txt').read_text() == f'1 {tmp_path}'
    with pytest.raises(
        RuntimeError, match=r'tools/note\.py failed with exit status 1'
    ):
        run_tool(script, 1, 2, 3)
