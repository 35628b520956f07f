# Copyright (c) aemim_mm contributors. All rights reserved.
from collections import defaultdict

import pytest
from auto_attack_toys import pyautoattack

from aemim_mm.attacks import AutoAttack, FGSMAttack, PGDAttack
from aemim_mm.evaluation import GRID
from aemim_mm.robustness.plan import plan
from aemim_mm.robustness.sources import Survey
from aemim_mm.robustness.suite import SuiteOptions
from aemim_mm_cli.choices import CORRUPTIONS

CLEAN = ('imagenet', 'real', 'v2', 'a', 'r', 'sketch')


def planned(parts, images=100, **options):
    """The cells, for sources that all have so many images."""
    options = SuiteOptions('data', parts, **options)
    survey = Survey('/data', images, 10, True, 'abc')
    return plan(options, {s.name: survey for s in options.sources()})


def pieces(cells):
    """The parts of each measurement, by its name."""
    found = defaultdict(list)
    for cell in cells:
        found[cell.name].append(cell)
    return dict(found)


def names(cells):
    return list(pieces(cells))


def test_all_parts_in_the_order_of_the_suite():
    found = names(planned(['curve', 'pgd', 'fgsm', 'c', *reversed(CLEAN)]))
    budgets = (0, 1, 2, 4, 8)
    assert found == [
        *CLEAN,
        *(f'c/{name}/{i}' for name in CORRUPTIONS for i in range(1, 6)),
        *(f'fgsm/{epsilon}' for epsilon in budgets),
        *(f'pgd/{epsilon}' for epsilon in budgets),
        *(f'curve/grid/{epsilon:g}' for epsilon in GRID),
        'curve/minimal',
    ]
    assert 'curve/grid/0.002' in found and 'curve/grid/0.00392157' in found


@pytest.mark.parametrize(
    'part, count',
    [*((part, 1) for part in CLEAN), ('c', 75), ('pgd', 5), ('curve', 16)],
)
def test_a_part_alone(part, count):
    cells = planned([part])
    assert len(cells) == count
    assert {cell.name.split('/')[0] for cell in cells} == {part}


def test_metrics_of_clean_images():
    metrics = {cell.name: cell.metric for cell in planned(CLEAN)}
    plain = dict(type='SubsetAccuracy', subset=None)
    assert metrics == {
        'imagenet': plain,
        'real': dict(type='RealAccuracy'),
        'v2': plain,
        'a': dict(type='SubsetAccuracy', subset='imagenet-a'),
        'r': dict(type='SubsetAccuracy', subset='imagenet-r'),
        'sketch': plain,
    }


def test_sources_of_clean_images():
    sources = {cell.name: cell.source.name for cell in planned(CLEAN)}
    assert sources == {
        'imagenet': 'imagenet',
        # The same images, so that one pass does for both.
        'real': 'imagenet',
        'v2': 'v2',
        'a': 'a',
        'r': 'r',
        'sketch': 'sketch',
    }
    for cell in planned([*CLEAN, 'c'], images=50000):
        assert cell.attack is None and cell.epsilon is None
        assert (cell.start, cell.stop) == (0, None)


def test_cells_of_c():
    cells = planned(['c'], corruptions=['snow', 'fog'], severities=[3])
    assert [cell.name for cell in cells] == ['c/snow/3', 'c/fog/3']
    for cell in cells:
        assert cell.name == cell.source.name
        assert cell.metric == dict(type='SubsetAccuracy')


def test_all_classes_too():
    cells = planned([*CLEAN, 'c'], all_classes=True)
    found = {cell.name: cell for cell in cells}
    extra = [name for name in found if name.endswith('_all_classes')]
    assert extra == ['a_all_classes', 'r_all_classes']
    for name in ('a', 'r'):
        cell = found[f'{name}_all_classes']
        assert cell.source == found[name].source
        assert cell.metric == dict(
            type='SubsetAccuracy', subset=f'imagenet-{name}', masked=False
        )
        assert found[name].metric.get('masked', True)
    # Side by side, so that one pass does for both.
    order = list(found)
    assert order.index('a_all_classes') == order.index('a') + 1


def test_another_label_space_has_no_subset():
    cells = planned(['a', 'r', 'v2'], class_file='c.txt', all_classes=True)
    assert [cell.name for cell in cells] == ['v2', 'a', 'r']
    for cell in cells:
        assert cell.metric == dict(type='SubsetAccuracy', subset=None)
        assert cell.source.class_file == 'c.txt'


@pytest.mark.parametrize(
    'part, attack', [('fgsm', FGSMAttack()), ('pgd', PGDAttack(seed=5))]
)
def test_budgets_are_pixel_values(part, attack):
    cells = planned([part], epsilons=[8, 0, 0.51], seed=5)
    found = {cell.name: cell.epsilon for cell in cells}
    assert found == {
        f'{part}/8': 8 / 255,
        f'{part}/0': 0,
        f'{part}/0.51': pytest.approx(0.002),
    }
    for cell in cells:
        assert cell.attack == attack and cell.metric is None
        # Published tables attack all images.
        assert cell.skip_misclassified is False


def test_pgd_is_that_of_the_paper():
    for cell in planned(['pgd', 'curve']):
        assert cell.attack == PGDAttack(
            num_steps=20, relative_step=0.25, random_start=True, seed=0
        )


def test_curve():
    cells = planned(['curve'], seed=3)
    grid, search = cells[:-1], cells[-1]
    # Budgets on the 0-1 scale, not divided by 255 again.
    assert tuple(cell.epsilon for cell in grid) == GRID
    assert all(cell.skip_misclassified for cell in grid)
    assert search.name == 'curve/minimal' and search.epsilon is None
    assert {cell.attack for cell in cells} == {PGDAttack(seed=3)}


@pytest.mark.parametrize('images', [12000, 5000, 999, 1])
@pytest.mark.parametrize('part', ['fgsm', 'pgd', 'curve'])
def test_parts_have_every_image_once(part, images):
    for name, found in pieces(planned([part], images)).items():
        places = [i for cell in found for i in range(cell.start, cell.stop)]
        assert places == list(range(images)), name


def test_sizes_of_parts():
    found = pieces(planned(['fgsm', 'pgd', 'curve'], 12000))
    sizes = {
        name: [cell.stop - cell.start for cell in cells]
        for name, cells in found.items()
    }
    assert sizes['fgsm/2'] == sizes['pgd/2'] == [5000, 5000, 2000]
    assert sizes['curve/grid/0.002'] == [5000, 5000, 2000]
    # The search takes longest.
    assert sizes['curve/minimal'] == [1000] * 12


def test_attacks_are_on_the_images_of_the_list():
    options = SuiteOptions(
        'data', ['imagenet', 'pgd', 'curve'], attack_list='list.txt'
    )
    surveys = {
        'imagenet': Survey('/data', 50000, 1000, True, 'abc'),
        'attacks': Survey('/data', 5000, 997, True, 'def'),
    }
    found = pieces(plan(options, surveys))
    (clean,) = found.pop('imagenet')
    assert clean.source.ann_file == ''
    for cells in found.values():
        assert {cell.source.name for cell in cells} == {'attacks'}
        assert cells[-1].stop == 5000


def test_autoattack():
    pyautoattack()
    cells = planned(['autoattack'], 700, epsilons=(1, 4), seed=3)
    assert [(c.name, c.start, c.stop) for c in cells] == [
        ('autoattack/1', 0, 250),
        ('autoattack/1', 250, 500),
        ('autoattack/1', 500, 700),
        ('autoattack/4', 0, 250),
        ('autoattack/4', 250, 500),
        ('autoattack/4', 500, 700),
    ]
    assert {cell.attack for cell in cells} == {AutoAttack(seed=3)}
    assert {cell.epsilon for cell in cells} == {1 / 255, 4 / 255}
    # As the package does it
    assert all(cell.skip_misclassified for cell in cells)
