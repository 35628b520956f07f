# Copyright (c) aemim_mm contributors. All rights reserved.
"""The report of the study: its intervals, and that it is up to date."""

import json
from dataclasses import replace

import pytest

from aemim_mm.reproduction.steps import ROOT
from aemim_mm.reproduction.study import read_study
from aemim_mm.reproduction.study_figures import draw_figures
from aemim_mm.reproduction.study_findings import list_findings
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
    assert paired([1.0, 1.1, 0.9]).text() == '+1.00 +- 0.25 (n 3) *'
    assert paired([1.0, -1.1]).text(1) == '-0.1 +- 13.3 (n 2)'
    assert paired([-0.5]).text() == '-0.50 (n 1)'
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
        curve = dict(eps=[0.0, 0.1], top1=[90.0, 10.0 * seed])
        attacked = {
            '0': 85.0,
            '1': 80.0 + seed,
            '2': 70.0,
            '4': 60.0,
            '8': 50.0,
        }
        write(
            tmp_path,
            'mae',
            seed,
            pretrain=dict(epoch=[1, 2], loss=[0.8, 0.49]),
            finetune_100={'top1': mae},
            robust={'c_error': {'fog': [82.0, 90.0]}, 'pgd': attacked},
            curve={'curve': curve},
        )
        losses = dict(
            epoch=[1, 2],
            recon_clean=[0.8, 0.5],
            recon_adv=[0.8, 0.51],
            distance_start=[1.0, 2.0],
            distance_end=[3.0, 4.0],
        )
        write(
            tmp_path,
            'aemim',
            seed,
            pretrain=losses,
            finetune_100={'top1': mae + 0.5 + 0.01 * seed},
            curve={'curve': curve},
            robust={
                'c_error': {'fog': [80.0, 90.0 + seed]},
                'pgd': attacked,
            },
        )
        pulled = {
            **losses,
            'recon_clean': [0.8, 0.6],
            'recon_adv': [0.7, 0.5 - 0.01 * seed],
        }
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
        '+0.51 +- 0.02 (n 3) *: the same sign',
        '-0.49 +- 0.02 (n 3) *: the opposite sign',
        '+0.01 +- 1.22 (n 3): no difference that these seeds can tell',
        '+0.40 (n 1): one seed tells nothing',
        'a plot | -0.1100 +- 0.0248 (n 3) *: the same sign',
        'a plot | +0.1000 +- 0.0000 (n 3) *: the same sign',
    ):
        assert f'| {seen} |' in text
    gap = '+0.0100 +- 0.0000 (n 3) *'
    assert f'| AEMIM (n 3) | 0.5000 | {gap} | {gap} | 2.00 | 4.00 |' in text
    assert '| MAE (n 3) | 0.4900 | - | - | - | - |' in text
    assert '| fog | - | 86.0 | - | - | 85.5 | -0.50 +- 1.24 (n 3) |' in text
    attacked = '85.00 +- 0.00 (n 3) | - | - | - | - | 81.00 +- 1.00 (n 3) |'
    assert f'| AEMIM | {attacked}' in text
    assert '| lambda 0.1 | - | 70.00 | - |' in text
    # The ablations compare with the same seed.
    assert '| AEMIM | - | 80.50 | 81.4 |' in text
    assert '| sweep | 0 of 16 |' in text
    assert 'no seed yet that both rows have' in text
    assert 'study_curves.png' in text and 'study_losses' not in text


def test_the_pictures(table):
    figures = draw_figures(STUDY, table)
    assert set(figures) == {'losses', 'attacks', 'curves', 'ratios'}
    attacked = figures['attacks'].axes[0].containers
    assert [bars.get_label() for bars in attacked] == [
        'MAE (n 3)',
        'AEMIM (n 3)',
    ]
    assert list(attacked[1][0].get_ydata()) == [81.0, 70.0, 60.0, 50.0]
    colors = [line.get_color() for line in figures['curves'].axes[0].lines]
    assert colors == [bars[0].get_color() for bars in attacked]
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
    report = ROOT / STUDY.report
    assert report.read_text() == text
    for name in drawn:
        assert (report.parent / f'images/study_{name}.png').is_file()


def test_readme_has_the_findings():
    readme = ' '.join((ROOT / 'README.md').read_text().split())
    for sentence in list_findings(STUDY, StudyTable(ROOT / STUDY.results)):
        assert sentence in readme


def test_findings_have_the_numbers(table):
    texts = [
        'of {aemim - mae: all labels}, {noise - mae: 1 % labels}',
        'L_a - L_c is {reconstruction: L_a - L_c}',
    ]
    assert list_findings(replace(STUDY, findings=texts), table) == [
        'of +0.51 +- 0.02 (n 3), (not run)',
        'L_a - L_c is -0.1100 +- 0.0248 (n 3)',
    ]
    assert not any('{' in text for text in list_findings(STUDY, table))


def test_where_the_paper_has_no_difference(tmp_path):
    for seed in range(3):
        for run, top1 in (('fast-aemim', 80 + 0.1 * seed), ('mae-long', 81)):
            write(tmp_path, run, seed, finetune_100={'top1': top1})
    text = study_text(STUDY, StudyTable(tmp_path), [])
    seen = '-0.90 +- 0.25 (n 3) *: a difference, of which the paper has none'
    assert f'| +0.0 | {seen} |' in text


@pytest.mark.parametrize(
    'gaps, verdict',
    [
        ([-0.1, -0.2], 'no difference'),
        ([-0.11, -0.1, -0.12], 'the same sign'),
        ([0.11, 0.1, 0.12], 'the opposite sign'),
        ([-0.1], 'one seed tells nothing'),
    ],
)
def test_verdicts(tmp_path, gaps, verdict):
    for seed, gap in enumerate(gaps):
        losses = dict(epoch=[1], recon_clean=[1.0], recon_adv=[1.0 + gap])
        write(tmp_path, 'reconstruction', seed, pretrain=losses)
    text = study_text(STUDY, StudyTable(tmp_path), [])
    (line,) = (line for line in text.splitlines() if '(Figure 2)' in line)
    assert f': {verdict}' in line
