# Copyright (c) aemim_mm contributors. All rights reserved.
import json
import os
import platform

import numpy as np
import pytest
import torch
from robustness_toys import LABELS, MEAN, SIZE, STD
from torch import nn

from aemim_mm.checkpoints.content import content_hash
from aemim_mm.evaluation import GRID, MinimalEpsilons, PixelClassifier
from aemim_mm.robustness import (
    EvaluatedClassifier,
    SuiteOptions,
    survey_sources,
)
from aemim_mm.robustness import plan as planning
from aemim_mm.robustness import results as writing
from aemim_mm.robustness.per_image import read_per_image
from aemim_mm.robustness.results import write_results
from aemim_mm.robustness.results_figure import draw_results
from aemim_mm.robustness.results_report import write_report
from aemim_mm.robustness.scores import score_suite
from aemim_mm.robustness.store import CellStore
from aemim_mm.version import __version__

BUDGETS = ('0', '1', '2', '4', '8')
CLASSIFIER = EvaluatedClassifier(
    'tiny',
    PixelClassifier(
        nn.Flatten(), [m / 255 for m in MEAN], [s / 255 for s in STD]
    ),
    SIZE,
    'tiny.pth',
    '',
)
CONTEXT = dict(model='0123', input_size=SIZE, native=False, classes=None)


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch):
    """Parts of 4 and of 2 images."""
    monkeypatch.setattr(planning, 'PGD_IMAGES', 4)
    monkeypatch.setattr(planning, 'SEARCH_IMAGES', 2)


@pytest.fixture(autouse=True)
def _no_sync(monkeypatch):
    """No power failure is survived here; it takes most of the time."""
    monkeypatch.setattr(os, 'fsync', lambda handle: None)


def values_of(name, images):
    """What a measurement has found, image by image."""
    if name == 'curve/minimal':
        return dict(epsilon=np.array([np.inf, 0, *GRID])[:images])
    correct = np.arange(images) % (len(name) % 3 + 2) > 0
    correct = correct.astype(np.int8)
    if name == 'real':
        correct[[1, 5]] = -1
    return dict(correct=correct)


def finish(options, out, order=1, **context):
    """Write all cells by hand, and then the results."""
    surveys = survey_sources(options.sources())
    store = CellStore(out / 'cells', {**CONTEXT, **context}, surveys)
    cells = planning.plan(options, surveys)
    for cell in cells[::order]:
        images = surveys[cell.source.name].images
        index = np.arange(images)[cell.start : cell.stop]
        arrays = {
            key: array[cell.start : cell.stop]
            for key, array in values_of(cell.name, images).items()
        }
        store.write(cell, dict(index=index, **arrays), 1)
    return write_results(cells, store, CLASSIFIER, options, out)


def read_strictly(path):
    """JSON as the standard has it: without NaN and Infinity."""

    def refuse(constant):
        raise AssertionError(f'{constant} is no JSON')

    return json.loads(path.read_text(), parse_constant=refuse)


def percent(name, images):
    correct = values_of(name, images)['correct'].tolist()
    counted = [value for value in correct if value >= 0]
    return 100 * sum(counted) / len(counted)


def test_all_parts(data, tmp_path):
    options = SuiteOptions(str(data), all_classes=True)
    results = finish(options, tmp_path)
    assert read_strictly(tmp_path / 'results.json') == results
    assert set(results) == {
        *('imagenet', 'real', 'v2', 'a', 'r', 'sketch', 'c', 'fgsm', 'pgd'),
        *('curve', 'score', 'a_all_classes', 'r_all_classes'),
        *('per_image', 'data', 'model', 'settings', 'versions'),
    }
    for name, folder in (
        ('imagenet', 'imagenet/val'),
        ('v2', 'imagenetv2-matched-frequency-format-val'),
        ('a', 'imagenet-a'),
        ('r', 'imagenet-r'),
        ('sketch', 'sketch'),
        ('a_all_classes', 'imagenet-a'),
    ):
        images = len(LABELS[folder])
        assert results[name] == dict(
            top1=pytest.approx(percent(name, images)), images=images
        )
    # Of nine images the second and the sixth have no labels.
    assert results['real'] == dict(
        top1=pytest.approx(percent('real', 9)), images=7
    )
    with np.load(tmp_path / 'per_image.npz') as arrays:
        scores = score_suite(dict(arrays))
    for name in ('c', 'fgsm', 'pgd', 'score'):
        assert results[name] == scores[name]
    assert results['score'] > 0


def test_curve(data, tmp_path):
    results = finish(SuiteOptions(str(data), ['curve']), tmp_path)
    entry = results['curve']
    assert entry == dict(
        grid=dict(
            eps=list(GRID),
            top1=pytest.approx(
                [percent(f'curve/grid/{epsilon:g}', 9) for epsilon in GRID]
            ),
        ),
        images=9,
        minimal_eps='minimal_epsilons.npz',
    )
    names = 'per_image.npz', 'minimal_epsilons.npz'
    sums = {name: content_hash(str(tmp_path / name)) for name in names}
    assert results['per_image']['sha256'] == sums
    # Only the other file has the budgets that JSON could not hold.
    text = (tmp_path / 'results.json').read_text()
    assert 'Infinity' not in text and 'NaN' not in text


def test_minimal_budgets_have_names(data, tmp_path):
    finish(SuiteOptions(str(data), ['curve']), tmp_path, order=-1)
    path = tmp_path / 'minimal_epsilons.npz'
    with np.load(path) as arrays:
        assert sorted(arrays) == ['epsilon', 'image', 'index']
        names = arrays['image'].tolist()
    folder = data / 'imagenet' / 'val'
    assert names == sorted(
        p.relative_to(folder).as_posix() for p in folder.rglob('*.JPEG')
    )
    found = MinimalEpsilons.load(path)
    assert found.indices.tolist() == list(range(9))
    # Those of five parts, in the order of the data set.
    assert found.epsilons.tolist() == [np.inf, 0, *GRID[:7]]


@pytest.mark.parametrize('order', [1, -1])
def test_images_are_in_the_order_of_the_data_set(data, tmp_path, order):
    options = SuiteOptions(
        str(data),
        ['imagenet', 'real', 'c', 'fgsm', 'curve'],
        corruptions=['fog'],
    )
    results = finish(options, tmp_path, order)
    assert results['per_image']['file'] == 'per_image.npz'
    with np.load(tmp_path / 'per_image.npz') as arrays:
        found = dict(arrays)
    grid = [f'curve/grid/{epsilon:g}' for epsilon in GRID]
    cells = [f'c/fog/{i}' for i in range(1, 6)]
    fgsm = [f'fgsm/{key}' for key in BUDGETS]
    assert list(found) == ['imagenet', 'real', *cells, *fgsm, *grid]
    for name, correct in found.items():
        images = 3 if name in cells else 9
        assert correct.dtype == np.int8
        expected = values_of(name, images)['correct']
        assert correct.tolist() == expected.tolist()
    sources = {name: 'imagenet' for name in found}
    sources.update({name: name for name in cells})
    assert results['per_image']['data'] == sources


def test_data(data, tmp_path):
    options = SuiteOptions(str(data), ['imagenet', 'real', 'r'])
    results = finish(options, tmp_path)
    assert set(results['data']) == {'imagenet', 'r'}
    sha256 = results['data']['r']['sha256']
    assert results['data']['r'] == dict(
        folder=str(data / 'imagenet-r'),
        images=5,
        classes=3,
        complete=False,
        sha256=sha256,
    )
    found = read_per_image(results, tmp_path)
    assert found['r'].images == sha256
    assert found['real'].images == found['imagenet'].images != sha256
    assert found['real'].correct.tolist().count(-1) == 2


def test_attack_list(data, tmp_path):
    path = tmp_path / 'list.txt'
    names = [
        'n12144580/ILSVRC2012_val_00000006.JPEG',
        'n01440764/ILSVRC2012_val_00000003.JPEG',
        'n01498041/ILSVRC2012_val_00000002.JPEG',
    ]
    labels = (987, 0, 6)
    lines = zip(names, labels, strict=True)
    path.write_text(''.join(f'{name} {label}\n' for name, label in lines))
    parts = ['imagenet', 'pgd', 'curve']
    options = SuiteOptions(str(data), parts, attack_list=str(path))
    results = finish(options, tmp_path / 'out')
    assert results['imagenet']['images'] == 9
    assert results['pgd']['images'] == results['curve']['images'] == 3
    assert results['per_image']['data']['imagenet'] == 'imagenet'
    assert results['per_image']['data']['pgd/8'] == 'attacks'
    assert results['settings']['attack_list'] == str(path)
    with np.load(tmp_path / 'out' / 'minimal_epsilons.npz') as arrays:
        assert arrays['image'].tolist() == names


def test_another_label_space(data, tmp_path):
    path = tmp_path / 'classes.txt'
    folders = sorted(p.name for p in (data / 'imagenet' / 'val').glob('n*'))
    path.write_text('\n'.join(folders))
    options = SuiteOptions(
        str(data), ['imagenet', 'c', 'fgsm'], class_file=str(path)
    )
    results = finish(options, tmp_path / 'out')
    assert results['c']['mce'] is None
    assert results['settings']['class_file'] == str(path)


def test_model_settings_and_versions(data, tmp_path):
    options = SuiteOptions(str(data), ['pgd'], epsilons=[2, 0.5], seed=3)
    results = finish(options, tmp_path)
    assert results['model'] == dict(
        name='tiny',
        checkpoint='tiny.pth',
        sha256='0123',
        # On the 0-255 scale.
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
    )
    assert results['settings'] == dict(
        input_size=16,
        native=False,
        classes=None,
        suite=['pgd'],
        class_file=None,
        attack_list=None,
        epsilons=[2, 0.5],
        seed=3,
    )
    assert list(results['pgd']) == ['2', '0.5', 'average', 'images']
    versions = results['versions']
    assert set(versions) == {
        *('aemim_mm', 'python', 'torch', 'torchvision', 'timm', 'numpy'),
        *('mmengine', 'mmpretrain'),
    }
    assert versions['aemim_mm'] == __version__
    assert versions['python'] == platform.python_version()
    assert versions['torch'] == str(torch.__version__)
    assert versions['numpy'] == np.__version__


def test_files(data, tmp_path):
    finish(SuiteOptions(str(data), ['v2']), tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        *('cells', 'per_image.npz', 'results.json')
    ]
    assert (tmp_path / 'results.json').read_text().endswith('}\n')


def test_nan_is_refused(data, tmp_path, monkeypatch):
    scores = dict(score=float('nan'))
    monkeypatch.setattr(writing, 'score_suite', lambda *_: scores)
    with pytest.raises(ValueError, match='not JSON compliant'):
        finish(SuiteOptions(str(data), ['v2']), tmp_path)
    assert not (tmp_path / 'results.json').exists()


def test_files_that_are_cut_off(data, tmp_path):
    results = finish(SuiteOptions(str(data), ['curve']), tmp_path)
    per_image = tmp_path / 'per_image.npz'
    minimal = tmp_path / 'minimal_epsilons.npz'
    for size in (-2, 3, 0):
        for path in (per_image, minimal):
            path.write_bytes(path.read_bytes()[:size])
        assert read_per_image(results, tmp_path) == {}
        with pytest.raises(ValueError, match='is not a file of minimal'):
            MinimalEpsilons.load(minimal)


def test_another_run_in_the_same_folder(data, tmp_path, warned):
    """Nothing of the first one is left beside the second one."""
    old = finish(SuiteOptions(str(data), ['v2', 'curve']), tmp_path)
    write_report(old, tmp_path)
    assert (tmp_path / 'robustness_curve.png').is_file()
    new = finish(SuiteOptions(str(data), ['v2', 'a']), tmp_path)
    write_report(new, tmp_path)
    names = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert names == {'per_image.npz', 'results.json', 'results.md'}
    assert 'is replaced; it also had curve. What' in warned.pop()
    assert read_per_image(new, tmp_path).keys() == {'v2', 'a'}
    # Of the first run, but with the file of the second
    assert read_per_image(old, tmp_path) == {}
    assert 'per_image.npz is not used: it is of another' in warned.pop()
    assert draw_results(dict(a=old), dict(a=tmp_path)).axes
    finish(SuiteOptions(str(data), ['v2']), tmp_path, model='other')
    name = old['model']['name']
    assert f'it was of another model, {name} and also had a. ' in warned.pop()


def test_unfinished_cells(data, tmp_path):
    options = SuiteOptions(str(data), ['v2', 'fgsm'])
    surveys = survey_sources(options.sources())
    store = CellStore(tmp_path / 'cells', CONTEXT, surveys)
    cells = planning.plan(options, surveys)
    with pytest.raises(FileNotFoundError):
        write_results(cells, store, CLASSIFIER, options, tmp_path)
    assert list(tmp_path.iterdir()) == []
