# Copyright (c) aemim_mm contributors. All rights reserved.
import pytest
from result_files import AEMIM, MAE, corruptions

from aemim_mm.robustness.columns import Column, budgets, cell_errors

COLUMNS = [
    Column('', 'v2'),
    Column('', 'fgsm', '2'),
    Column('', 'fgsm', 'average'),
    Column('', 'c', 'mce'),
    Column('', 'c', 'mean_error'),
    Column('', 'c', 'fog'),
]


@pytest.mark.parametrize('column', COLUMNS, ids=lambda c: c.field)
@pytest.mark.parametrize('results', [MAE, AEMIM], ids=['MAE', 'AEMIM'])
def test_shares_add_up_to_the_number(column, results):
    (group,) = column.groups(results)
    value = sum(share.weight * share.percent for share in group)
    assert value == pytest.approx(column.value(results))
    assert {share.images for share in group} == {column.images(results)}


@pytest.mark.parametrize('results', [MAE, AEMIM], ids=['MAE', 'AEMIM'])
def test_shares_of_the_score(results):
    column = Column('', 'score')
    groups = column.groups(results)
    assert [group[0].cell for group in groups[:3]] == ['a', 'r', 'sketch']
    assert [len(group) for group in groups] == [1, 1, 1, 75]
    value = sum(p.weight * p.percent for group in groups for p in group)
    # the constant 100 / 4; published to one digit
    assert value + 25 == pytest.approx(column.value(results), abs=0.06)
    assert column.images(results) is None


def test_names_of_cells():
    names = [Column.groups(c, MAE)[0][0].cell for c in COLUMNS]
    assert names == [
        'v2',
        'fgsm/2',
        'fgsm/0',
        'c/gaussian_noise/1',
        'c/gaussian_noise/1',
        'c/fog/1',
    ]


def test_absent_and_undefined():
    for column in COLUMNS:
        assert column.value({}) is None and column.images({}) is None
    results = dict(score=None, c=corruptions(imagenet_1k=False))
    assert Column('', 'score').value(results) is None
    assert Column('', 'c', 'mce').value(results) is None
    assert Column('', 'c', 'mean_error').value(results) == pytest.approx(40)


def test_cells_that_were_not_evaluated():
    results = dict(c=corruptions(images=10))
    table = results['c']['per_corruption']
    table['fog']['error'] = [10.0, None, 20.0, None, None]
    del table['snow']
    errors = cell_errors(results['c'])
    assert errors['fog'] == {1: 10.0, 3: 20.0}
    assert 'snow' not in errors and len(errors) == 14
    fog = Column('', 'c', 'fog')
    assert fog.value(results) == 15
    (group,) = fog.groups(results)
    assert [(p.weight, p.cell) for p in group] == [
        (0.5, 'c/fog/1'),
        (0.5, 'c/fog/3'),
    ]


def test_budgets_are_in_the_order_of_numbers():
    entry = {'16': 1, '2': 1, '0.51': 1, '0': 1, 'average': 1, 'images': 5}
    assert budgets(entry) == ['0', '0.51', '2', '16']
