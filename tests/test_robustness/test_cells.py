# Copyright (c) aemim_mm contributors. All rights reserved.
import json
from dataclasses import replace

import pytest

from aemim_mm.attacks import FGSMAttack, PGDAttack
from aemim_mm.robustness.cells import Cell
from aemim_mm.robustness.sources import ImageSource

SOURCE = ImageSource('imagenet', 'imagenet', 'data/imagenet/val')
CELL = Cell('pgd/2', SOURCE, None, PGDAttack(seed=3), 2 / 255, True)


@pytest.mark.parametrize(
    'images, size, bounds',
    [
        (9, 4, [(0, 4), (4, 8), (8, 9)]),
        (8, 4, [(0, 4), (4, 8)]),
        (3, 4, [(0, 3)]),
        (4, 4, [(0, 4)]),
    ],
)
def test_split(images, size, bounds):
    parts = CELL.split(images, size)
    assert [(part.start, part.stop) for part in parts] == bounds
    places = [i for part in parts for i in range(part.start, part.stop)]
    assert places == list(range(images))


def test_parts_measure_the_same():
    for part in CELL.split(10, 3):
        assert replace(part, start=0, stop=None) == CELL


def test_settings():
    assert CELL.settings() == dict(
        metric=None,
        attack=dict(
            type='PGDAttack',
            num_steps=20,
            relative_step=0.25,
            random_start=True,
            seed=3,
        ),
        epsilon=2 / 255,
        skip_misclassified=True,
        start=0,
        stop=None,
    )
    fgsm = replace(CELL, attack=FGSMAttack(), start=4, stop=8).settings()
    assert fgsm['attack'] == dict(type='FGSMAttack')
    assert (fgsm['start'], fgsm['stop']) == (4, 8)


def test_settings_of_clean_images():
    metric = dict(type='SubsetAccuracy', subset='imagenet-a', masked=False)
    settings = Cell('a', SOURCE, metric).settings()
    assert settings['metric'] == metric
    assert settings['attack'] is None and settings['epsilon'] is None
    assert settings['skip_misclassified'] is False


def test_settings_survive_json():
    for cell in (CELL, Cell('real', SOURCE, dict(type='RealAccuracy'))):
        settings = cell.settings()
        assert json.loads(json.dumps(settings)) == settings
