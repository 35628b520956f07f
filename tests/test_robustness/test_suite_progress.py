# Copyright (c) aemim_mm contributors. All rights reserved.
from types import SimpleNamespace

import pytest

from aemim_mm.attacks import AutoAttack, FGSMAttack, PGDAttack
from aemim_mm.robustness import suite_progress
from aemim_mm.robustness.cells import Cell
from aemim_mm.robustness.sources import ImageSource
from aemim_mm.robustness.suite_progress import SuiteProgress, cost


class Clock:
    """A clock that stands still."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    module = SimpleNamespace(monotonic=clock.monotonic)
    monkeypatch.setattr(suite_progress, 'time', module)
    return clock


# Forward passes per image: an attack's step is a forward and a backward pass,
# its result is judged by another one.
@pytest.mark.parametrize(
    'options, passes',
    [
        (dict(metric=dict(type='SubsetAccuracy')), 1),
        (dict(attack=FGSMAttack(), epsilon=1 / 255), 3),
        (dict(attack=PGDAttack(), epsilon=1 / 255), 41),
        (dict(attack=PGDAttack(num_steps=3), epsilon=1 / 255), 7),
        # Clean images are classified, too.
        (dict(attack=PGDAttack(), epsilon=0.002, skip_misclassified=True), 42),
        (dict(attack=PGDAttack(), epsilon=0), 1),
        (dict(attack=PGDAttack(), epsilon=0, skip_misclassified=True), 1),
        (dict(attack=AutoAttack(), epsilon=1 / 255), 2 * 4400 + 1),
        # What the model returns is kept.
        (dict(), 1),
        # Eleven probes of 41, and the clean images.
        (dict(attack=PGDAttack()), 452),
    ],
)
def test_cost(options, passes):
    cell = Cell('x', ImageSource('imagenet', 'imagenet', 'val'), **options)
    assert cost(cell, 1) == passes
    assert cost(cell, 700) == 700 * passes


def test_a_line_every_30_seconds(clock, logged):
    progress = SuiteProgress(400)
    clock.now += 29.9
    progress.update(40, 'v2')
    assert not logged
    clock.now += 0.1
    progress.update(60, 'v2')
    assert logged == ['v2 - 25.0 % of the work, elapsed 0:00:30, ETA 0:01:30']
    clock.now += 29
    progress.update(100, 'a')
    progress.update(50, 'a')
    assert len(logged) == 1
    clock.now += 1
    progress.update(50, 'r')
    assert logged[1:] == [
        'r - 75.0 % of the work, elapsed 0:01:00, ETA 0:00:20'
    ]


def test_small_steps_are_few_lines(clock, logged):
    progress = SuiteProgress(1000)
    for _ in range(1000):
        clock.now += 1
        progress.update(1, 'pgd/8')
    assert len(logged) == 33
    assert logged[-1] == (
        'pgd/8 - 99.0 % of the work, elapsed 0:16:30, ETA 0:00:10'
    )


def test_a_line_on_demand(clock, logged):
    progress = SuiteProgress(8)
    progress.write('begin')
    clock.now += 7200
    progress.done = 1
    progress.write('v2 is finished')
    # It counts as the last line.
    clock.now += 29
    progress.update(1, 'a')
    assert logged == [
        'begin - 0.0 % of the work, elapsed 0:00:00, ETA ?',
        'v2 is finished - 12.5 % of the work, elapsed 2:00:00, ETA 14:00:00',
    ]


def test_no_more_than_all(clock, logged):
    progress = SuiteProgress(3)
    clock.now += 60
    progress.update(3.3, 'end')
    assert logged == [
        'end - 100.0 % of the work, elapsed 0:01:00, ETA 0:00:00'
    ]
