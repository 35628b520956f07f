# Copyright (c) aemim_mm contributors. All rights reserved.
"""What `make torture` counts."""

import pytest
from torture import __main__ as torture
from torture import processes, report


@pytest.mark.parametrize(
    'code, error, counted',
    [
        (-9, None, 'held'),
        (-9, AssertionError, 'failed'),
        (0, None, 'late'),
        (0, AssertionError, 'failed'),
    ],
)
def test_a_run_that_was_not_hurt_has_not_held(tmp_path, code, error, counted):
    def hurt(runs, place, rng):
        place.mkdir()
        if error:
            raise error
        return processes.require_hurt(code, '1.0 s')

    class Runs:
        folder = tmp_path

    result = torture.attempt(hurt, Runs, 'kill-0-0')
    counts = report.counts({'kill-0-0': result})
    expected = dict(tried=1, held=0, failed=0, late=0)
    assert counts == expected | {counted: 1}
    # Of what failed the run is kept.
    assert (tmp_path / 'kill-0-0').exists() == (counted == 'failed')


@pytest.mark.parametrize(
    'results, name',
    [
        ([], 'kill-0-3'),
        ([dict(late='')], 'kill-0-3-1'),
        ([dict(late=''), dict(late='')], 'kill-0-3-2'),
        ([dict(late='')] * 6, None),
        ([dict(at='')], None),
        ([dict(late=''), dict(failed='')], None),
    ],
)
def test_what_came_too_late_is_tried_again(results, name):
    names = ['kill-0-3', *(f'kill-0-3-{again}' for again in range(1, 6))]
    found = dict(zip(names, results, strict=False))
    assert torture.next_try('kill-0-3', found) == name


def test_the_table():
    assert '| 1 | 0 | 0 | 1 |' in report.write_table(
        dict(kill={'a': dict(late='1.0 s')})
    )
