# Copyright (c) aemim_mm contributors. All rights reserved.
import numpy as np
import pytest
from result_files import AEMIM, MAE, attack, corruptions

from aemim_mm.robustness.columns import Column
from aemim_mm.robustness.differences import (
    ClassifierResults,
    Difference,
    difference,
)
from aemim_mm.robustness.intervals import paired, wilson
from aemim_mm.robustness.per_image import PerImageResults

OLD, NEW = ClassifierResults('MAE', MAE), ClassifierResults('AEMIM', AEMIM)


@pytest.mark.parametrize(
    'field, value, half',
    [
        # 1.96 sqrt(p (1 - p) / 5000 + q (1 - q) / 5000)
        ('0', 0.2, 1.45),
        ('1', 1.5, 1.94),
        ('2', 0.3, 1.91),
        ('4', 0.1, 1.87),
        ('8', -0.9, 1.84),
    ],
)
def test_the_papers_differences_on_5000_images(field, value, half):
    found = difference(Column('', 'fgsm', field), OLD, NEW)
    assert found.value == pytest.approx(value)
    assert found.low == pytest.approx(value - half, abs=0.01)
    assert found.high == pytest.approx(value + half, abs=0.01)
    assert found.inside and not found.paired


def test_average_over_budgets_is_bounded():
    found = difference(Column('', 'fgsm', 'average'), OLD, NEW)
    halves = np.array([1.45, 1.94, 1.91, 1.87, 1.84])
    assert found.value == pytest.approx(0.24)
    assert found.high - 0.24 == pytest.approx(halves.mean(), abs=0.01)


def test_differences_that_many_images_do_tell():
    for column in (Column('', 'a'), Column('', 'r'), Column('', 'c', 'mce')):
        assert not difference(column, OLD, NEW).inside
    assert difference(Column('', 'c', 'mce'), OLD, NEW).high < 0
    score = difference(Column('', 'score'), OLD, NEW)
    assert score.value == pytest.approx(2.2) and score.low > 1


def test_as_text():
    assert str(Difference(0.3, -1.5, 2.14, False)) == '+0.3 (-1.5 to +2.1) ~ u'
    assert str(Difference(0.3, -1.5, 2.14, True)) == '+0.3 (-1.5 to +2.1) ~'
    assert str(Difference(-2.0, -3.0, -1.0, True)) == '-2.0 (-3.0 to -1.0)'
    assert Difference(0.0, 0.0, 0.0, True).inside


def test_numbers_with_their_intervals():
    low, high = wilson(83.8, 50000)
    assert NEW.describe(Column('', 'imagenet')) == '83.8 (83.5 to 84.1)'
    assert (round(low, 1), round(high, 1)) == (83.5, 84.1)
    # The mean of 5 standard errors of about 0.65
    assert NEW.describe(Column('', 'fgsm', 'average')) == '46.8 (45.6 to 48.1)'
    assert NEW.describe(Column('', 'pgd', '1')) == '-'
    # A mean of shares stays one; mCE may exceed 100.
    few = dict(fgsm=attack([100.0, 90.0], 10, ('0', '1')))
    few['c'] = corruptions(105.0, images=10)
    few = ClassifierResults('few', few)
    assert few.interval(Column('', 'fgsm', 'average')).endswith(' to 100.0')
    high = few.interval(Column('', 'c', 'mce')).split(' to ')[1]
    assert float(high) > 105


def per_image(seed, cells, images=400):
    rng = np.random.default_rng(seed)
    return {
        cell: PerImageResults('x', (rng.random(images) < 0.6).astype(np.int8))
        for cell in cells
    }


def evaluated(seed, images=400):
    """PGD at two budgets and ImageNet-C, with single images."""
    found = per_image(seed, ['pgd/0', 'pgd/2'])
    c = corruptions(images=images)
    found.update(per_image(seed + 9, [f'c/fog/{k}' for k in range(1, 6)]))
    for cell in list(c['per_corruption']):
        if cell != 'fog':
            del c['per_corruption'][cell]
    c['per_corruption']['fog']['error'] = [
        100 - 100 * found[f'c/fog/{k}'].correct.mean() for k in range(1, 6)
    ]
    top1 = [100 * found[f'pgd/{k}'].correct.mean() for k in (0, 2)]
    pgd = attack(top1, images, ('0', '2'))
    return ClassifierResults(str(seed), dict(pgd=pgd, c=c), found)


def test_paired_by_image():
    first, second = evaluated(0), evaluated(1)
    ours, theirs = (
        {k: v.correct.astype(float) for k, v in model.per_image.items()}
        for model in (first, second)
    )
    changes = {k: theirs[k] - ours[k] for k in ours}
    found = difference(Column('', 'pgd', '2'), first, second)
    assert found.paired
    assert (found.low, found.high) == paired([changes['pgd/2']], [1])
    assert found.value == pytest.approx(100 * changes['pgd/2'].mean())

    found = difference(Column('', 'pgd', 'average'), first, second)
    mean = (changes['pgd/0'] + changes['pgd/2']) / 2
    assert (found.low, found.high) == pytest.approx(paired([mean], [1]))

    # Of errors: more right is less error.
    found = difference(Column('', 'c', 'fog'), first, second)
    mean = -sum(changes[f'c/fog/{k}'] for k in range(1, 6)) / 5
    assert found.paired and found.low < found.value < found.high
    assert (found.low, found.high) == pytest.approx(paired([mean], [1]))
    assert found.value == pytest.approx(100 * mean.mean())


def test_images_that_do_not_count_are_left_out():
    models = []
    for seed in (0, 1):
        (found,) = per_image(seed, ['real']).values()
        found.correct[:100] = -1
        top1 = 100 * found.correct[100:].mean()
        results = dict(real=dict(top1=top1, images=300))
        models.append(ClassifierResults('', results, dict(real=found)))
    found = difference(Column('', 'real'), *models)
    first, second = (m.per_image['real'].correct[100:] for m in models)
    assert (found.low, found.high) == paired([second - first], [1])


def test_unpaired_where_images_are_others_or_not_known():
    first, second = evaluated(0), evaluated(1)
    column = Column('', 'pgd', 'average')
    others = {
        k: PerImageResults('y', v.correct) for k, v in second.per_image.items()
    }
    fewer = dict(second.per_image)
    del fewer['pgd/0']
    for per_image in (others, fewer, {}):
        model = ClassifierResults('', second.results, per_image)
        assert not difference(column, first, model).paired
    assert difference(Column('', 'pgd', '2'), first, model).paired is False


def test_no_difference_of_different_sums():
    results = dict(pgd=attack([50.0, 10.0], 400, ('0', '4')))
    other = ClassifierResults('', results)
    assert (
        difference(Column('', 'pgd', 'average'), evaluated(0), other) is None
    )
    assert difference(Column('', 'pgd', '4'), evaluated(0), other) is None
