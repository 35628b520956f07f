# Copyright (c) aemim_mm contributors. All rights reserved.
from benchmarks import progress
from benchmarks.progress import Progress


def test_a_line_every_ten_seconds(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(progress.time, 'monotonic', lambda: now[0])
    bar = Progress(8)
    for now[0] in (4.0, 8.0, 12.0, 16.0):
        bar.tick()
    # 12 seconds for 3 of 8.
    assert capsys.readouterr().err == '3 of 8 runs, ETA 0:00:20\n'
