# Copyright (c) aemim_mm contributors. All rights reserved.
import numpy as np
import pytest

from aemim_mm.evaluation import GRID
from aemim_mm.robustness.scores import (
    ALEXNET_ERRORS,
    accuracy,
    score_suite,
)
from aemim_mm_cli.choices import SEVERITIES

IMAGES = 50000


def correct(right, wrong=0, uncounted=0):
    """So many images of each kind, mixed."""
    values = [1] * right + [0] * wrong + [-1] * uncounted
    rng = np.random.default_rng(0)
    return rng.permutation(np.array(values, dtype=np.int8))


def cell(wrong, images=IMAGES):
    """A cell of ImageNet-C."""
    correct = np.ones(images, dtype=np.int8)
    correct[:wrong] = 0
    return correct


def alexnet(share=1.0):
    """ImageNet-C for AlexNet, or for a model with a share of its errors.

    With 5 x 50000 images its mean errors, of six digits, are numbers of
    images.
    """
    cells = {}
    for name, error in ALEXNET_ERRORS.items():
        total = round(share * error * IMAGES * len(SEVERITIES))
        # Severities differ.
        counts = [total // 5 + step for step in (-900, -500, 0, 500)]
        counts.append(total - sum(counts))
        for severity, wrong in zip(SEVERITIES, counts, strict=True):
            cells[f'c/{name}/{severity}'] = cell(wrong)
    return cells


def shares(names, percents):
    """Accuracies that are printed with one digit."""
    return {
        name: correct(round(10 * p), 1000 - round(10 * p))
        for name, p in zip(names, percents, strict=True)
    }


def test_accuracy():
    assert accuracy(correct(3, 5)) == dict(top1=37.5, images=8)
    assert accuracy(correct(0, 2)) == dict(top1=0, images=2)
    # Those that do not count are in neither number.
    assert accuracy(correct(3, 1, 12)) == dict(top1=75, images=4)
    assert type(accuracy(correct(1))['images']) is int


def test_clean_images():
    results = score_suite(
        dict(
            imagenet=correct(7, 1),
            real=correct(3, 1, 4),
            v2=correct(1, 3),
            a=correct(1, 4),
            a_all_classes=correct(0, 5),
            r=correct(2, 3),
            r_all_classes=correct(1, 4),
            sketch=correct(3, 2),
        )
    )
    assert results == dict(
        imagenet=dict(top1=87.5, images=8),
        real=dict(top1=75, images=4),
        v2=dict(top1=25, images=4),
        a=dict(top1=20, images=5),
        a_all_classes=dict(top1=0, images=5),
        r=dict(top1=40, images=5),
        r_all_classes=dict(top1=20, images=5),
        sketch=dict(top1=60, images=5),
        score=None,
    )


def test_nothing_but_what_was_measured():
    results = score_suite(dict(v2=correct(1, 3)))
    assert results == dict(v2=dict(top1=25, images=4), score=None)


def test_errors_of_some_cells():
    cells = {
        'c/fog/1': cell(1, 8),
        'c/fog/5': cell(3, 8),
        'c/contrast/5': cell(4, 4),
    }
    entry = score_suite(cells)['c']
    none = None
    assert entry == dict(
        mce=None,
        mean_error=50,
        cells=3,
        images=4,
        per_corruption=dict(
            fog=dict(error=[12.5, none, none, none, 37.5], ce=None),
            contrast=dict(error=[none, none, none, none, 100], ce=None),
        ),
    )


# Rows of the paper's Table 5: A, R, Sketch, mCE and score.
@pytest.mark.parametrize(
    'top1, mce, printed',
    [
        ((35.9, 48.3, 34.5), 51.7, 41.8),  # MAE, ViT-B, 1600 epochs
        ((38.0, 50.6, 36.5), 49.3, 44.0),  # AEMIM, ViT-B, 800 epochs
    ],
)
def test_scores_of_the_paper(top1, mce, printed):
    parts = shares(('a', 'r', 'sketch'), top1)
    results = score_suite({**parts, **alexnet(mce / 100)})
    assert results['c']['mce'] == pytest.approx(mce, abs=1e-3)
    expected = (sum(top1) + 100 - mce) / 4
    assert results['score'] == pytest.approx(expected, abs=1e-3)
    # Exactly in the middle, 41.75 and 43.95; the paper rounds up.
    assert results['score'] == pytest.approx(printed, abs=0.051)


@pytest.mark.parametrize('name', ['a', 'r', 'sketch', 'c', 'c/snow/3'])
def test_score_needs_all_four(name):
    found = shares(('a', 'r', 'sketch'), (35.9, 48.3, 34.5)) | alexnet()
    assert score_suite(found)['score'] is not None
    other = score_suite(found, imagenet_1k=False)
    assert other['score'] is None and other['c']['mce'] is None
    found = {
        k: v for k, v in found.items() if not f'{k}/'.startswith(f'{name}/')
    }
    assert score_suite(found)['score'] is None


@pytest.mark.parametrize('attack', ['fgsm', 'pgd'])
def test_average_has_the_budget_0(attack):
    # The row of MAE, ViT-B, 1600 epochs in the paper's Table 6.
    row = {'0': 83.6, '1': 42.8, '2': 38.4, '4': 35.2, '8': 33.0}
    found = shares((f'{attack}/{key}' for key in row), row.values())
    results = score_suite(found)
    entry = results.pop(attack)
    assert entry.pop('average') == pytest.approx(46.6)
    assert entry.pop('images') == 1000
    assert entry == pytest.approx(row)
    assert results == dict(score=None)


def test_attacks_are_kept_apart():
    results = score_suite(
        {'fgsm/0.5': correct(1, 3), 'pgd/0.5': correct(0, 5)}
    )
    assert results['fgsm'] == {'0.5': 25, 'average': 25, 'images': 4}
    assert results['pgd'] == {'0.5': 0, 'average': 0, 'images': 5}


def test_curve():
    # In another order than the grid's.
    found = {
        f'curve/grid/{epsilon:g}': correct(15 - i, 5 + i)
        for i, epsilon in reversed(list(enumerate(GRID)))
    }
    entry = score_suite(found)['curve']
    assert entry == dict(
        grid=dict(
            eps=list(GRID), top1=[5 * (15 - i) for i in range(len(GRID))]
        ),
        images=20,
    )
