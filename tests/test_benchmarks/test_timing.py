# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest

from benchmarks import timing
from benchmarks.timing import (
    interleave,
    median_ratio,
    timed,
)


@pytest.fixture
def clock(monkeypatch):
    """A clock that functions move."""
    now = [0.0]
    monkeypatch.setattr(timing.time, 'perf_counter', lambda: now[0])
    return now


def test_functions_run_in_turn_and_warm_up(clock):
    order, ticks = [], []

    def function(name, seconds):
        def run():
            order.append(name)
            # The machine becomes slower and slower.
            clock[0] += seconds * len(order)

        return run

    found = interleave(
        dict(a=function('a', 1), b=function('b', 10)),
        rounds=2,
        warmup=1,
        tick=lambda: ticks.append(1),
    )
    assert order == list('ababab') and len(ticks) == 6
    assert found == dict(a=[3, 5], b=[40, 60])


def test_median_ratio_is_of_the_rounds():
    # The medians are 2 and 4; in each round the ratio is another.
    assert median_ratio([2, 9, 2], [1, 3, 4]) == 2


def test_timed(clock):
    def run():
        clock[0] += 1.5

    assert timed(run) == 1.5
