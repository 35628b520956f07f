# Copyright (c) aemim_mm contributors. All rights reserved.
from result_files import AEMIM, MAE, attack, corruptions, grey

from aemim_mm.robustness.tables import (
    corruption_table,
    footnotes,
    paper_tables,
)
from aemim_mm.utils.markdown import number


def laid_out(tables, results):
    return {
        tuple(c.title for c in table.columns): [
            number(c.value(results)) for c in table.columns
        ]
        for table in tables
    }


def test_rows_of_the_paper():
    epsilons = tuple(f'epsilon = {k}' for k in (0, 1, 2, 4, 8))
    expected = {
        ('IN', 'IN-Real', 'IN-V2'): ['83.8', '88.5', '74.0'],
        ('IN-A', 'IN-R', 'IN-S', 'IN-C', 'Average score'): [
            *('38.0', '50.6', '36.5', '49.3', '44.0')
        ],
        # The paper prints 46.9; its five numbers have this mean.
        (*epsilons, 'Average acc.'): [
            *('83.8', '44.3', '38.7', '35.3', '32.1', '46.8')
        ],
    }
    assert laid_out(paper_tables([AEMIM]), AEMIM) == expected
    assert footnotes(AEMIM) == []


def test_only_tables_that_some_model_has_numbers_for():
    titles = [table.title for table in paper_tables([dict(v2=dict(top1=1))])]
    assert len(titles) == 1 and 'Table 4' in titles[0]
    assert paper_tables([{}]) == []
    pgd = dict(pgd=attack([1.0, 2.0], budgets=('0', '16')))
    both = paper_tables([pgd, MAE])
    assert ['PGD' in table.title for table in both] == [False] * 3 + [True]
    (table,) = paper_tables([dict(autoattack=attack([1.0], budgets=('4',)))])
    assert table.title.startswith('Top-1 accuracy under AutoAttack, epsilon')
    assert [c.title for c in table.columns] == ['epsilon = 4', 'Average acc.']


def test_budgets_of_all_models():
    one = dict(fgsm=attack([80.0, 20.0], budgets=('0', '16')))
    (table,) = paper_tables([one, dict(fgsm=MAE['fgsm'])])
    assert [c.field for c in table.columns] == [
        *('0', '1', '2', '4', '8', '16', 'average')
    ]
    assert table.columns[-2].value(MAE) is None


def test_footnotes_count_images():
    results, _ = grey('tiny', fgsm=attack([5.0], 1000, ['8']))
    assert footnotes(results) == [
        'IN: 10000 images; the original has 50000.',
        'IN-C: 1000 images or more in each cell; the original has 50000.',
        'FGSM: 1000 images; the published attacks ran on 5000.',
        'PGD-20: 1000 images; the published attacks ran on 5000.',
        'Robustness curve: 1000 images; the published attacks ran on 5000.',
        "No mCE, and so no score: AlexNet's errors are those of ImageNet-1K's "
        'label space, and this is another one. The plain mean error is '
        '30.0 %.',
    ]


def test_footnotes_of_another_label_space():
    results = dict(
        settings=dict(class_file='classes.txt'),
        imagenet=dict(top1=84.7, images=10000),
        fgsm=attack([5.0], 1000, ['8']),
        c=corruptions(images=1000, imagenet_1k=False),
    )
    first, *counts, reason = footnotes(results)
    assert 'classes are those of classes.txt, not of ImageNet-1K' in first
    assert counts == [
        'IN: 10000 images.',
        'IN-C: 1000 images or more in each cell.',
        'FGSM: 1000 images.',
    ]
    assert reason.startswith('No mCE')


def test_missing_cells_are_the_other_reason():
    entry = corruptions(50.0)
    entry['mce'] = None
    entry['per_corruption']['fog']['error'][2] = None
    (note,) = footnotes(dict(c=entry))
    assert '74 of the 75 cells were evaluated' in note


def test_all_classes_stand_in_a_note():
    results = dict(
        a=dict(top1=30.0, images=7500),
        a_all_classes=dict(top1=20.04, images=7500),
    )
    assert footnotes(results) == ['IN-A over all 1000 classes: 20.0 %.']


def test_corruption_table():
    table = corruption_table([{}, MAE])
    assert [c.title for c in table.columns][:2] == ['all', 'gaussian_noise']
    assert len(table.columns) == 16
    # AlexNet's 56.4592 % on brightness
    (brightness,) = (c for c in table.columns if c.title == 'brightness')
    assert number(brightness.value(MAE), 3) == '29.189'
    assert corruption_table([{}]) is None
