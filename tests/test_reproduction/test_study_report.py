# Copyright (c) aemim_mm contributors. All rights reserved.
"""The report of the study: its intervals, and that it is up to date."""

import json

import pytest

from aemim_mm.reproduction.steps import ROOT
from aemim_mm.reproduction.study import read_study
from aemim_mm.reproduction.study_figures import draw_figures
from aemim_mm.reproduction.study_report import study_text
from aemim_mm.reproduction.study_table import StudyTable, mean_text, paired

stats = pytest.importorskip('scipy.stats')
STUDY = read_study()


@pytest.mark.parametrize('n', [2, 3, 5])
def test_the_interval_is_that_of_the_paired_t_test(n):
    own = [81.3, 80.9, 82.0, 81.1, 80.2][:n]
    base = [80.7, 80.8, 80.9, 81.3, 79.9][:n]
    expected = stats.ttest_rel(own, base).confidence_interval(0.95)
    found = paired([a - b for a, b in zip(own, base, strict=True)])
    assert found.mean - found.half == pytest.approx(expected.low)
    assert found.mean + found.half == pytest.approx(expected.high)
    assert found.n == n
    assert found.excludes_zero == (expected.low > 0 or expected.high < 0)


def test_what_is_printed():
    assert str(paired([1.0, 1.1, 0.9])) == '+1.00 +- 0.25 (n 3) *'
    assert str(paired([1.0, -1.1])) == '-0.05 +- 13.34 (n 2)'
    assert str(paired([-0.5])) == '-0.50 (n 1)'
    assert paired([]) is None
    assert mean_text([80.0, 82.0]) == '81.00 +- 1.41 (n 2)'
    assert mean_text([80.0]) == '80.00 (n 1)'
    assert mean_text([]) == '-'


def write(folder, run, seed, **steps):
    path = folder / run / f'seed{seed}.json'
    path.parent.mkdir(exist_ok=True)
    cells = {
        name.replace('_', '-'): {'values': v} for name, v in steps.items()
    }
    path.write_text(json.dumps({'run': run, 'seed': seed, 'steps': cells}))


@pytest.fixture
def table(tmp_path):
    for seed, mae in enumerate([80.0, 81.0, 82.0]):
        write(tmp_path, 'mae', seed, finetune_100={'top1': mae})
        losses = dict(
            epoch=[1, 2],
            recon_clean=[0.8, 0.5],
            recon_adv=[0.8, 0.51],
            distance_start=[1.0, 2.0],
            distance_end=[3.0, 4.0],
        )
        curve = dict(eps=[0.0, 0.1], top1=[90.0, 10.0 * seed])
        write(
            tmp_path,
            'aemim',
            seed,
            pretrain=losses,
            finetune_100={'top1': mae + 0.5 + 0.01 * seed},
            curve={'curve': curve},
        )
        pulled = {**losses, 'recon_adv': [0.7, 0.4 - seed]}
        better, as_good = {'top1': mae + 1}, {'top1': mae + 0.5 * seed}
        write(
            tmp_path,
            'reconstruction',
            seed,
            pretrain=pulled,
            finetune_100=better,
        )
        write(tmp_path, 'no-adapters', seed, finetune_100=as_good)
    # Of a seed that MAE does not have, and far away: not in the difference.
    write(tmp_path, 'aemim', 4, finetune_100={'top1': 10.0})
    write(tmp_path, 'fast-aemim', 0, finetune_100={'top1': 80.4})
    write(tmp_path, 'lambda01', 0, finetune_100={'top1': 70.0})
    return StudyTable(tmp_path)


def test_differences_are_paired(table):
    measure = STUDY.measures['all labels']
    found = table.difference('aemim', 'mae', measure)
    assert found.n == 3 and found.mean == pytest.approx(0.51)
    assert found.half < 0.03  # not the 1.0 by which seeds differ
    assert table.difference('noise', 'mae', measure) is None


def test_the_report(table):
    text = study_text(STUDY, table, ['curves'])
    assert '| MAE | - | - | 81.00 +- 1.00 (n 3) |' in text
    assert '| AEMIM | - | - | +0.51 +- 0.02 (n 3) * |' in text
    for seen in (
        '+0.51 +- 0.02 (n 3) *: as there',
        '-0.49 +- 0.02 (n 3) *: the opposite',
        '+0.01 +- 1.22 (n 3): no difference that these seeds can tell',
        '+0.40 (n 1): one seed tells nothing',
    ):
        assert f'| {seen} |' in text
    assert 'below (-0.1000, -1.1000, -2.1000)' in text
    assert '| AEMIM | 0.5000 | 0.5100 | +0.0100 | 2.00 | 4.00 |' in text
    assert '| lambda 0.1 | - | 70.00 (n 1) |' in text
    # The ablations compare with the same seed.
    assert '| AEMIM | - | 80.50 (n 1) |' in text
    assert '| sweep | 0 of 16 |' in text
    assert 'not run' in text
    assert 'study_curves.png' in text and 'study_losses' not in text


def test_the_pictures(table):
    figures = draw_figures(STUDY, table)
    assert set(figures) == {'losses', 'curves', 'ratios'}
    (line,) = figures['curves'].axes[0].get_lines()[:1]
    assert list(line.get_ydata()) == [90.0, 10.0]
    assert [a.get_title() for a in figures['losses'].axes] == [
        'attack on the feature distance',
        'attack on the reconstruction loss',
    ]


def test_the_committed_report_is_made_of_the_committed_results():
    table = StudyTable(ROOT / STUDY.results)
    drawn = draw_figures(STUDY, table)
    text = study_text(STUDY, table, list(drawn))
    assert (ROOT / STUDY.report).read_text() == text
