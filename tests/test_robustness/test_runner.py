# Copyright (c) aemim_mm contributors. All rights reserved.
import re
import shutil
from functools import partial

import numpy as np
import pytest
import robustness_toys as toys
import torch
from auto_attack_toys import shortened
from mmengine.registry import init_default_scope

from aemim_mm.attacks import PGDAttack
from aemim_mm.datasets.label_spaces import imagenet_synsets
from aemim_mm.robustness import (
    Loading,
    SuiteOptions,
    load_config_classifier,
    plan,
    run_suite,
    scores,
    suite_progress,
    survey_sources,
)

LOADING = Loading(batch_size=5, num_workers=0)
REST = 'of the work, elapsed, ETA'


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """CONFIG and CHECKPOINT of two classifiers."""
    init_default_scope('mmpretrain')
    return [
        toys.write_model(tmp_path_factory.mktemp('m'), toys.build(seed=seed))
        for seed in (0, 1)
    ]


class Watched:
    """A classifier whose images are counted, and that can be stopped."""

    def __init__(self, files):
        self.classifier = load_config_classifier(*files)
        self.classifier.model.register_forward_pre_hook(self.see)
        self.calls, self.images, self.stop = 0, 0, None

    def see(self, _, args):
        if self.calls == self.stop:
            raise KeyboardInterrupt
        self.calls += 1
        self.images += len(args[0])

    def run(self, options, out, stop=None, loading=LOADING):
        self.calls, self.images, self.stop = 0, 0, stop
        surveys = survey_sources(options.sources())
        return run_suite(self.classifier, options, surveys, out, loading)


@pytest.fixture
def watched(files):
    return Watched(files[0])


def suite(data, *parts, **options):
    return SuiteOptions(str(data), parts, **options)


def arrays(out):
    """All results of single images."""
    found = {}
    for path in sorted(out.glob('*.npz')):
        with np.load(path) as content:
            found.update({f'{path.name} {k}': v for k, v in content.items()})
    return found


def check_same(out, expected):
    ours, theirs = arrays(out), arrays(expected)
    assert ours.keys() == theirs.keys()
    for name, values in theirs.items():
        assert ours[name].tolist() == values.tolist(), name
    assert toys.read_json(out / 'results.json') == toys.read_json(
        expected / 'results.json'
    )


def test_finished_cells_are_not_computed_again(data, watched, tmp_path):
    parts = 'imagenet', 'real', 'v2', 'fgsm'
    options = suite(data, *parts, epsilons=(0, 2))
    results = watched.run(options, tmp_path)
    # The empty image; imagenet and real in one pass; v2; no attack; FGSM
    # with a pass for the gradient.
    assert watched.images == 1 + 9 + 6 + 9 + 18
    assert results == toys.read_json(tmp_path / 'results.json')
    (tmp_path / 'results.json').unlink()
    assert watched.run(options, tmp_path) == results
    assert watched.images == 1
    # One more budget, and one part less
    options = suite(data, 'v2', 'fgsm', epsilons=(0, 2, 4))
    more = watched.run(options, tmp_path)
    assert watched.images == 1 + 18
    assert more['v2'] == results['v2']
    assert more['fgsm']['2'] == results['fgsm']['2']
    assert 'imagenet' not in more
    # A cell that is gone
    (path,) = (tmp_path / 'cells').glob('v2-*.npz')
    path.unlink()
    assert watched.run(options, tmp_path) == more
    assert watched.images == 1 + 6


@pytest.mark.parametrize(
    'stop, images',
    [
        # In calls. 9 images are 2 batches; the first call is the empty image.
        (0, None),
        (2, None),  # within imagenet and real
        (3, 7 + 9 + 9 * 2),  # before v2
        (6, 9 + 9 * 2),  # within fgsm/0
        (9, 9 * 2),  # within fgsm/2
    ],
)
def test_a_run_that_was_stopped_goes_on(data, watched, tmp_path, stop, images):
    options = suite(
        data, 'imagenet', 'real', 'sketch', 'fgsm', epsilons=(0, 2)
    )
    watched.run(options, tmp_path / 'whole')
    assert (watched.images, watched.calls) == (1 + 9 + 7 + 9 + 18, 11)
    out = tmp_path / 'out'
    with pytest.raises(KeyboardInterrupt):
        watched.run(options, out, stop)
    assert not (out / 'results.json').exists()
    # What a killed write leaves is cleared away, in all folders.
    for name in ('v2-0.npz.1.partial', 'fgsm/2-0.json.1.partial'):
        path = out / 'cells' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{')
    watched.run(options, out)
    assert watched.images == 1 + (9 + 7 + 9 + 18 if images is None else images)
    check_same(out, tmp_path / 'whole')
    assert not list(out.rglob('*.partial'))


def test_long_attacks_go_on_within_a_budget(
    data, watched, tmp_path, monkeypatch, logged
):
    options = suite(data, 'pgd', 'curve', epsilons=(1,))
    for module in (plan, scores):
        monkeypatch.setattr(module, 'GRID', (0.0, 0.002))
    monkeypatch.setattr(plan, 'PGDAttack', partial(PGDAttack, num_steps=3))
    watched.run(options, tmp_path / 'whole')
    monkeypatch.setattr(plan, 'PGD_IMAGES', 4)
    monkeypatch.setattr(plan, 'SEARCH_IMAGES', 7)
    out = tmp_path / 'out'
    with pytest.raises(KeyboardInterrupt):
        # 4 calls for images 0 to 3, then some for 4 to 7
        watched.run(options, out, 1 + 4 + 2)
    (path,) = (out / 'cells' / 'pgd').glob('*.npz')
    with np.load(path) as finished:
        assert finished['index'].tolist() == [0, 1, 2, 3]
    logged.clear()
    watched.run(options, out)
    check_same(out, tmp_path / 'whole')
    log = '\n'.join(logged)
    assert '11 cells, of which 1 are finished' in log  # 3 + 2 * 3 + 2
    assert 'pgd/1, images 4 to 7, is finished, cell 2 of 11 - ' in log
    assert 'curve/minimal, images 7 to 8, is finished, cell 11 of 1' in log


def test_autoattack_goes_on_within_a_budget(
    data, watched, tmp_path, monkeypatch, logged
):
    shortened(monkeypatch)
    monkeypatch.setattr(plan, 'AUTOATTACK_IMAGES', 4)
    options = suite(data, 'autoattack', epsilons=(2,))
    results = watched.run(options, tmp_path / 'whole')
    calls, images = watched.calls, watched.images
    assert results['autoattack'] == dict(
        {'2': results['autoattack']['average']},
        average=pytest.approx(100 * sum(found(tmp_path / 'whole')) / 9),
        images=9,
    )
    out = tmp_path / 'out'
    with pytest.raises(KeyboardInterrupt):
        watched.run(options, out, calls - 1)
    paths = sorted((out / 'cells' / 'autoattack').glob('*.npz'))
    assert len(paths) == 2
    logged.clear()
    watched.run(options, out)
    assert watched.images < images
    check_same(out, tmp_path / 'whole')
    log = '\n'.join(logged)
    assert '3 cells, of which 2 are finished' in log
    assert 'autoattack/2, images 8 to 8, is finished, cell 3 of 3 - ' in log
    # Other batches are attacked otherwise: nothing of these cells is taken.
    logged.clear()
    watched.run(options, out, loading=Loading(batch_size=3, num_workers=0))
    assert '3 cells, of which 0 are finished' in '\n'.join(logged)
    # Another seed is another measurement.
    other = suite(data, 'autoattack', epsilons=(2,), seed=1)
    assert watched.run(other, out)['settings']['seed'] == 1
    assert watched.calls > 1


def found(out):
    with np.load(out / 'per_image.npz') as content:
        return content['autoattack/2'].tolist()


def test_another_classifier_in_the_same_folder(data, files, watched, tmp_path):
    options = suite(data, 'imagenet', 'fgsm', epsilons=(1,))
    first = watched.run(options, tmp_path / 'out')
    second = Watched(files[1])
    results = second.run(options, tmp_path / 'out')
    assert second.images == 1 + 9 + 18
    assert results == second.run(options, tmp_path / 'alone')
    assert results['model']['sha256'] != first['model']['sha256']
    assert results['fgsm'] != first['fgsm']
    # And back to the first one, whose cells are still there.
    assert watched.run(options, tmp_path / 'out') == first
    assert watched.images == 1


def test_other_settings_and_data_are_computed(data, watched, tmp_path):
    root = tmp_path / 'data'
    shutil.copytree(data / 'imagenet', root / 'imagenet')
    shutil.copytree(data / 'sketch', root / 'sketch')
    parts = 'imagenet', 'sketch', 'pgd'
    options = suite(root, *parts, epsilons=(1,))
    watched.run(options, tmp_path / 'out')
    again = suite(root, *parts, epsilons=(1,), seed=1)
    watched.run(again, tmp_path / 'out')
    assert watched.images == 1 + 21 * 9
    # One more picture, and another label of one
    folder = root / 'sketch'
    shutil.copy(folder / 'n01440764/picture_1.jpg', folder / 'n01440764/a.jpg')
    assert watched.run(again, tmp_path / 'out')['sketch']['images'] == 8
    assert watched.images == 1 + 8
    (folder / 'n01440764/a.jpg').rename(folder / 'n01443537/a.jpg')
    watched.run(again, tmp_path / 'out')
    assert watched.images == 1 + 8
    # Other batches are the same measurement.
    watched.run(again, tmp_path / 'out', loading=Loading(2, 0))
    assert watched.images == 1


def test_classes_in_another_order(data, files, watched, tmp_path):
    """As of a list by ``ls``, which sorts as no program does."""
    names = list(imagenet_synsets())
    # What else the checkpoint says of a class may be another word for it.
    stored = ['tench, a fish', *names[1:]]
    content = torch.load(files[0][1], weights_only=True)
    meta = dict(dataset_meta=dict(classes=tuple(stored)))
    torch.save({**content, 'meta': meta}, tmp_path / 'named.pth')
    config = files[0][0]
    named = load_config_classifier(config, str(tmp_path / 'named.pth'))
    surveys = survey_sources(suite(data, 'imagenet').sources())

    def run(classes):
        path = tmp_path / 'classes.txt'
        path.write_text('\n'.join(classes))
        options = suite(data, 'imagenet', class_file=str(path))
        return run_suite(named, options, surveys, tmp_path / 'out', LOADING)

    assert run(names)['imagenet']['images'] == 9
    names[1:3] = names[2], names[1]
    with pytest.raises(
        ValueError,
        match=rf"{names[2]}' as class 2, but in .*named.pth it is class 1: .*"
        r"\['tench, a fish', ",
    ):
        run(names)


def test_label_space_of_another_size(data, files, watched, tmp_path):
    names = tmp_path / 'classes.txt'
    names.write_text('n01440764\nn01443537\n')
    options = suite(data, 'imagenet', class_file=str(names))
    surveys = survey_sources(suite(data, 'imagenet').sources())
    with pytest.raises(
        ValueError, match='tiny has 1000 classes, but .*classes.txt has 2.'
    ):
        run_suite(watched.classifier, options, surveys, tmp_path / 'out')
    ten = toys.write_model(tmp_path / 'ten', toys.build(10), 10)
    with pytest.raises(
        ValueError, match='tiny has 10 classes, but ImageNet-1K has 1000.'
    ):
        Watched(ten).run(suite(data, 'imagenet'), tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_the_log_says_what_is_attacked(data, watched, tmp_path, logged):
    root = data / 'imagenet/val'
    watched.run(suite(data, 'imagenet'), tmp_path)
    assert not any('on all' in line for line in logged)
    watched.run(suite(data, 'imagenet', 'fgsm', epsilons=(0,)), tmp_path)
    assert f'fgsm: on all 9 images of {root}' in logged
    logged.clear()
    listed = tmp_path / 'list.txt'
    listed.write_text(
        'n01440764/ILSVRC2012_val_00000003.JPEG 0\n'
        'n01443537/ILSVRC2012_val_00000004.JPEG 1\n'
    )
    options = suite(
        data, 'imagenet', 'fgsm', 'pgd', attack_list=str(listed), epsilons=(0,)
    )
    results = watched.run(options, tmp_path)
    assert f'fgsm, pgd: on the 2 images of {root} in {listed}' in logged
    assert '3 cells, of which 1 are finished in ' in '\n'.join(logged)
    assert results['fgsm']['images'] == results['pgd']['images'] == 2


def test_progress(data, watched, tmp_path, logged, monkeypatch):
    parts = 'imagenet', 'real', 'fgsm'
    options = suite(data, *parts, epsilons=(0, 2))
    watched.run(options, tmp_path / 'a')
    # Work of 9, 9, 9 and 27 passes
    assert [
        re.sub(r'ETA [0-9:]+$', 'ETA', re.sub(r'd [0-9:]+,', 'd,', line))
        for line in logged[3:]
    ] == [
        f'imagenet and real is finished, cell 2 of 4 - 33.3 % {REST}',
        f'fgsm/0, images 0 to 8, is finished, cell 3 of 4 - 50.0 % {REST}',
        f'fgsm/2, images 0 to 8, is finished, cell 4 of 4 - 100.0 % {REST}',
    ]
    assert logged[-1].endswith('ETA 0:00:00')
    logged.clear()
    # A line after each batch
    monkeypatch.setattr(suite_progress, 'INTERVAL', 0.0)
    watched.run(options, tmp_path / 'b')
    shares = [float(line.split(' - ')[1].split()[0]) for line in logged[3:]]
    assert shares == [16.7, 33.3, 33.3, 41.7, 50.0, 50.0, 75.0, 100.0, 100.0]
