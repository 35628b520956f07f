# Copyright (c) aemim_mm contributors. All rights reserved.
import json
from dataclasses import asdict

from benchmarks.loader_speed.pixels import PixelDifference
from benchmarks.loader_speed.speed_row import HEADER, best_of, rows_of

SECONDS = {'ours': [2.0, 4.0, 1.0], 'a': [3.0, 3.0, 3.0], 'b': [2.5, 9.0, 8.0]}


def test_rows():
    assert best_of(SECONDS, ('a', 'b')) == 'a'
    difference = PixelDifference(4, 0.035, 0.00002)
    differences = dict.fromkeys(SECONDS, difference)
    rows = rows_of(SECONDS, differences, 100, 'a')
    assert [row.name for row in rows] == ['ours', 'a', 'b']
    # Medians of 2, of 3 / 2, 3 / 4, 3, and of 3 / 2.5, 3 / 9, 3 / 8.
    assert [row.images_per_second for row in rows] == [50, 100 / 3, 12.5]
    assert [row.ratio for row in rows] == [1.5, 1.0, 0.375]
    cells = rows[0].cells()
    assert cells == ['ours', '50', '1.50', '4', '3.5 %', '0.002 %']
    assert len(cells) == len(HEADER)
    content = json.loads(json.dumps(asdict(rows[0])))
    assert content['seconds'] == SECONDS['ours']
    assert content['difference']['largest'] == 4
