# Copyright (c) aemim_mm contributors. All rights reserved.
import json
import os
from dataclasses import replace

import numpy as np
import pytest

from aemim_mm.attacks import FGSMAttack, PGDAttack
from aemim_mm.robustness.cells import Cell
from aemim_mm.robustness.sources import ImageSource, Survey
from aemim_mm.robustness.store import CellStore

SURVEY = Survey('/data/val', 4, 3, True, 'abc')
CONTEXT = dict(model='123', input_size=16, native=False, classes=None)
CELL = Cell(
    'pgd/2',
    ImageSource('imagenet', 'imagenet', 'data/val'),
    None,
    PGDAttack(),
    2 / 255,
    stop=4,
)
ARRAYS = dict(
    index=np.arange(4), correct=np.array([1, 0, -1, 1], dtype=np.int8)
)


def build(folder, survey=SURVEY, **context):
    return CellStore(folder, {**CONTEXT, **context}, dict(imagenet=survey))


def files(folder):
    """Files at any depth, sorted by their extension."""
    found = [p for p in folder.rglob('*') if p.is_file()]
    return sorted(found, key=lambda path: path.suffix)


def test_write_and_read(tmp_path):
    store = build(tmp_path / 'new')
    assert not store.finished(CELL)
    with pytest.raises(FileNotFoundError):
        store.read(CELL)
    store.write(CELL, ARRAYS, 1.26)
    # Another run finds it.
    store = build(str(tmp_path / 'new'))
    assert store.finished(CELL)
    found = store.read(CELL)
    assert list(found) == ['index', 'correct']
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        assert found[name].tolist() == array.tolist()


def test_files_of_a_cell(tmp_path):
    store = build(tmp_path)
    store.write(CELL, ARRAYS, 1.26)
    text, arrays = files(tmp_path)
    assert text == store.path(CELL) and arrays == text.with_suffix('.npz')
    assert text.parent == tmp_path / 'pgd' and text.name.startswith('2-')
    assert json.loads(text.read_text()) == dict(
        cell='pgd/2',
        images=4,
        seconds=1.3,
        correct=2,
        counted=3,
        fingerprint=store.fingerprint(CELL),
    )


def test_minimal_budgets(tmp_path):
    store = build(tmp_path)
    cell = replace(CELL, name='curve/minimal', epsilon=None)
    epsilons = np.array([0, np.inf, 0.001])
    store.write(cell, dict(index=np.arange(3), epsilon=epsilons), 0)
    assert store.finished(cell)
    assert store.read(cell)['epsilon'].tolist() == [0, np.inf, 0.001]
    content = json.loads(store.path(cell).read_text())
    assert 'correct' not in content and content['images'] == 3


@pytest.mark.parametrize('suffix', ['.json', '.npz'])
def test_both_files_are_needed(tmp_path, suffix):
    store = build(tmp_path)
    store.write(CELL, ARRAYS, 1)
    store.path(CELL).with_suffix(suffix).unlink()
    assert not store.finished(CELL)


@pytest.mark.parametrize('suffix', ['.json', '.npz'])
@pytest.mark.parametrize('size', [0, 1, 3, 20, 0.5, -2])
def test_truncated_files_do_not_count(tmp_path, suffix, size):
    store = build(tmp_path)
    store.write(CELL, ARRAYS, 1)
    path = store.path(CELL).with_suffix(suffix)
    content = path.read_bytes()
    stop = int(size * len(content)) if isinstance(size, float) else size
    path.write_bytes(content[:stop])
    assert not store.finished(CELL)
    store.write(CELL, ARRAYS, 1)
    assert store.finished(CELL)


def test_damaged_arrays_do_not_count(tmp_path):
    store = build(tmp_path)
    store.write(CELL, ARRAYS, 1)
    path = store.path(CELL).with_suffix('.npz')
    content = path.read_bytes()
    # Inside the first array, behind the header of the archive.
    for byte in (0x00, 0xFF):
        start = content.index(b'index.npy') + 40
        damaged = bytearray(content)
        damaged[start : start + 20] = bytes([byte]) * 20
        path.write_bytes(damaged)
        assert not store.finished(CELL)
    with path.open('wb') as file:  # an array alone
        np.save(file, np.zeros(3))
    assert not store.finished(CELL)


def test_another_fingerprint_does_not_count(tmp_path):
    store = build(tmp_path)
    store.write(CELL, ARRAYS, 1)
    path = store.path(CELL)
    content = json.loads(path.read_text())
    content['fingerprint']['data'] = 'other'
    path.write_text(json.dumps(content))
    assert not store.finished(CELL)


CONTEXTS = [
    dict(model='456'),
    dict(input_size=32),
    dict(native=True),
    dict(classes=['a', 'b']),
    dict(survey=replace(SURVEY, sha256='def')),
    dict(survey=replace(SURVEY, folder='/data/other')),
]
CELLS = [
    dict(epsilon=4 / 255),
    dict(epsilon=None),
    dict(attack=FGSMAttack()),
    dict(attack=PGDAttack(seed=1)),
    dict(attack=PGDAttack(num_steps=10)),
    dict(attack=PGDAttack(relative_step=0.1)),
    dict(attack=PGDAttack(random_start=False)),
    dict(skip_misclassified=True),
    dict(start=2),
    dict(stop=3),
    dict(attack=None, metric=dict(type='RealAccuracy')),
    dict(attack=None, metric=dict(type='SubsetAccuracy', masked=False)),
]


@pytest.mark.parametrize('change', CONTEXTS)
def test_other_models_and_data_have_other_files(tmp_path, change):
    build(tmp_path).write(CELL, ARRAYS, 1)
    other = build(tmp_path, **change)
    assert other.path(CELL) != build(tmp_path).path(CELL)
    assert not other.finished(CELL)
    other.write(CELL, dict(ARRAYS, correct=np.ones(4, np.int8)), 1)
    # The first one comes back to use.
    again = build(tmp_path)
    assert again.finished(CELL)
    assert again.read(CELL)['correct'].tolist() == [1, 0, -1, 1]


def test_other_settings_have_other_files(tmp_path):
    store = build(tmp_path)
    store.write(CELL, ARRAYS, 1)
    cells = [replace(CELL, **change) for change in CELLS]
    assert not any(store.finished(cell) for cell in cells)
    paths = {store.path(cell) for cell in [CELL, *cells]}
    assert len(paths) == len(CELLS) + 1


def test_what_does_not_matter(tmp_path):
    path = build(tmp_path).path(CELL)
    assert build(tmp_path, replace(SURVEY, complete=False)).path(CELL) == path
    # The checksum tells the data, not how the root was written.
    source = replace(CELL.source, root='/data/val')
    assert build(tmp_path).path(replace(CELL, source=source)) == path


@pytest.mark.parametrize('number', [1, 2])
def test_interrupted_while_writing(tmp_path, monkeypatch, number):
    store = build(tmp_path)
    targets, replace_file = [], os.replace

    def interrupted(source, target):
        targets.append(target.suffix)
        if len(targets) == number:
            raise KeyboardInterrupt
        replace_file(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, 'replace', interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.write(CELL, ARRAYS, 1)
    # The JSON file comes last: where it is, the other is, too.
    assert targets == ['.npz', '.json'][:number]
    left = [path.suffix for path in files(tmp_path)]
    assert left == ['.npz'][: number - 1]
    assert not store.finished(CELL)
    store.write(CELL, ARRAYS, 1)
    assert store.finished(CELL) and len(files(tmp_path)) == 2
