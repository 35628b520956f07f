# Copyright (c) aemim_mm contributors. All rights reserved.
"""The report of the study, made of its committed results alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from aemim_mm_cli.places import ROOT

from ..utils.markdown import ABSENT, markdown
from ..utils.storage import AtomicLocalBackend
from .study import Group, Study, StudyMeasure
from .study_figures import draw_figures
from .study_table import StudyTable, mean_text

BUDGETS = ('0', '1', '2', '4', '8')
HEAD = """\
# What AEMIM does: a study on {title}

<!-- Written by `python tools/reproduce.py study --report`: do not edit. -->
"""


def write_study(study: Study) -> list[Path]:
    """Write the report and its pictures.

    Args:
        study (Study): The study.

    Returns:
        list[Path]: The files.
    """
    table = StudyTable(ROOT / study.results)
    report = ROOT / study.report
    pictures = {}
    for name, figure in draw_figures(study, table).items():
        pictures[name] = report.parent / 'images' / f'study_{name}.png'
        figure.savefig(pictures[name])
    text = study_text(study, table, list(pictures))
    AtomicLocalBackend().put_text(text, report)
    return [report, *pictures.values()]


def study_text(
    study: Study, table: StudyTable, pictures: Sequence[str]
) -> str:
    """The report.

    Args:
        study (Study): The study.
        table (StudyTable): Its results.
        pictures (Sequence[str]): Those that there are.

    Returns:
        str: Markdown.
    """

    def picture(name: str, text: str) -> str:
        there = name in pictures
        return f'![{text}](images/study_{name}.png)\n' if there else ''

    main = study.group('main')
    sections = [
        HEAD.format(title=study.title),
        study.intro,
        _state(study, table),
        _rows(study, main, table),
        _differences(study, main, table),
        _questions(study, main, table),
        _claims(study, main, table),
        _attacks(main, table),
        picture('curves', 'Accuracy over the budget'),
        _losses(main, table),
        picture('losses', 'Losses under two attacks'),
        _ablations(study, table),
        picture('ratios', 'Accuracy over the loss ratio'),
        _cost(table),
        _sweep(study, table),
        f'## What this cannot tell\n\n{study.limits}',
    ]
    return '\n'.join(section for section in sections if section)


def _state(study: Study, table: StudyTable) -> str:
    """How much of it has been run."""
    lines = []
    for group in study.groups:
        wanted = [
            (run, seed, step)
            for run in group.runs
            for seed in group.seeds_of(run)
            for step in group.steps
        ]
        done = sum(
            step in table.cells.get((run, seed), {})
            for run, seed, step in wanted
        )
        lines.append([group.name, f'{done} of {len(wanted)}'])
    return '## What has been run\n\n' + markdown(
        ['group', 'measurements'], lines
    )


def _rows(study: Study, group: Group, table: StudyTable) -> str:
    """Means."""
    lines = [
        [row.name]
        + [
            mean_text(list(table.measured(run, measure).values()))
            for measure in study.measures.values()
        ]
        for run, row in group.runs.items()
    ]
    return (
        '## Rows\n\nPercent: top-1 accuracy on the 10000 test images, the '
        'mean error over 15 corruptions with 5\nseverities, accuracy under '
        f'attack (mean over epsilon {", ".join(BUDGETS)} of 255).\n\n'
        + markdown(['row', *study.measures], lines)
    )


def _differences(study: Study, group: Group, table: StudyTable) -> str:
    """Each row against MAE."""
    lines = [
        [row.name, *_against('mae', run, study.measures, table)]
        for run, row in group.runs.items()
        if run != 'mae'
    ]
    return '## Differences to MAE\n\n' + markdown(
        ['row', *study.measures], lines
    )


def _questions(study: Study, group: Group, table: StudyTable) -> str:
    """Other pairs."""
    lines = []
    for pair in study.questions:
        names = [group.runs[pair[key]].name for key in ('row', 'base')]
        cells = _against(pair['base'], pair['row'], study.measures, table)
        lines.append([f'{pair["asks"]} {" minus ".join(names)}', *cells])
    return '## What makes the difference?\n\n' + markdown(
        ['pair', *study.measures], lines
    )


def _against(
    base: str,
    run: str,
    measures: Mapping[str, StudyMeasure],
    table: StudyTable,
) -> list[str]:
    found = [table.difference(run, base, m) for m in measures.values()]
    return [ABSENT if d is None else str(d) for d in found]


def _claims(study: Study, group: Group, table: StudyTable) -> str:
    """The paper says, we see."""
    lines = []
    for claim in study.claims:
        measure = study.measures[claim['measure']]
        seen = table.difference(claim['row'], claim['base'], measure)
        verdict = 'not run'
        if seen is not None:
            verdict = f'{seen}: {_verdict(claim, seen)}'
        paper = f'{claim["paper"]:+.1f}'
        lines.append([claim['says'], claim['measure'], paper, verdict])
    gap = _gap(table, 'reconstruction')
    if gap:
        what = 'below' if max(gap) < 0 else 'not below in every seed'
        text = f'{what} ({", ".join(f"{g:+.4f}" for g in gap)})'
        lines.append(
            [
                'the reconstruction loss as attack pulls L_a below L_c '
                '(Figure 2)',
                'L_a - L_c, last epoch',
                'plotted only',
                text,
            ]
        )
    header = ['the paper says', 'measured here', 'its difference', 'we see']
    return '## The paper says, we see\n\n' + markdown(header, lines)


def _verdict(claim: Mapping[str, Any], seen: Any) -> str:
    if seen.half is None:
        return 'one seed tells nothing'
    if not seen.excludes_zero:
        return 'no difference that these seeds can tell'
    return 'as there' if seen.mean * claim['paper'] > 0 else 'the opposite'


def _gap(table: StudyTable, run: str) -> list[float]:
    """L_a - L_c in the last epoch, by seed."""
    clean = table.values(run, 'pretrain', 'recon_clean')
    adversarial = table.values(run, 'pretrain', 'recon_adv')
    return [adversarial[s][-1] - clean[s][-1] for s in clean]


def _attacks(group: Group, table: StudyTable) -> str:
    """Accuracy by budget."""
    header, lines = ['row'], []
    for part in ('FGSM', 'PGD-20'):
        header += [f'{part} {budget}' for budget in BUDGETS[1:]]
    for run, row in group.runs.items():
        cells = [row.name]
        for part in ('fgsm', 'pgd'):
            for budget in BUDGETS[1:]:
                found = table.values(run, 'robust', part).values()
                cells.append(mean_text([values[budget] for values in found]))
        lines.append(cells)
    return (
        '## Under attack\n\nAccuracy (%) by epsilon, in pixel values of 255. '
        'Curves over the budget: the smallest that\nfools each image.\n\n'
        f'{markdown(header, lines)}'
    )


def _losses(group: Group, table: StudyTable) -> str:
    """Reconstruction losses and feature distances, last epoch."""
    lines = []
    keys = ('recon_clean', 'recon_adv', 'distance_start', 'distance_end')
    for run, row in group.runs.items():
        found = [table.values(run, 'pretrain', key) for key in keys]
        if found[0]:
            means = [fmean(v[-1] for v in values.values()) for values in found]
            gap = fmean(_gap(table, run))
            lines.append(
                [
                    row.name,
                    *(f'{m:.4f}' for m in means[:2]),
                    f'{gap:+.4f}',
                    *(f'{m:.2f}' for m in means[2:]),
                ]
            )
    header = ['row', 'L_c', 'L_a', 'L_a - L_c', 'distance at the start']
    return (
        '## Losses of pre-training\n\nMeans over seeds in the last epoch: '
        'reconstruction of clean and of adversarial images, and how\nfar '
        'their features are from each other before and after the attack.\n\n'
        f'{markdown([*header, "and at the end"], lines)}'
    )


def _ablations(study: Study, table: StudyTable) -> str:
    """Rows of one seed."""
    group = study.group('ablations')
    measures = {
        name: measure
        for name, measure in study.measures.items()
        if measure.step in group.steps
    }
    rows = {'aemim': study.group('main').runs['aemim'], **group.runs}
    lines = []
    for run, row in rows.items():
        cells = []
        for measure in measures.values():
            found = table.measured(run, measure)
            cells.append(
                mean_text([found[s] for s in group.seeds if s in found])
            )
        lines.append([row.name, *cells])
    return (
        '## Loss ratio, steps and budget\n\nOne seed each, so without an '
        'interval: compare with the deviations above.\n\n'
        f'{markdown(["row", *measures], lines)}'
    )


def _cost(table: StudyTable) -> str:
    """Time of pre-training steps."""
    if not table.cost:
        return ''
    lines = [
        [
            Path(config).stem,
            f'{row["ratio"]:.2f}',
            f'{row["floor_operations"]:.2f}',
        ]
        for config, row in table.cost['rows'].items()
    ]
    header = [
        'recipe',
        'time of a step, relative to MAE',
        'least, by operations',
    ]
    return (
        f'## Cost\n\n`{" ".join(table.cost["settings"])}`, '
        f'{table.cost["machine"]}. The least is that of the passes alone.\n\n'
        f'{markdown(header, lines)}'
    )


def _sweep(study: Study, table: StudyTable) -> str:
    """How the budget was chosen."""
    group = study.group('sweep')
    lines = []
    for run, row in group.runs.items():
        found = [table.values(run, step, 'top1') for step in group.steps]
        cells = [mean_text(list(values.values())) for values in found]
        score = sweep_score(table, group, run)
        lines.append(
            [row.name, *cells, ABSENT if score is None else f'{score:.2f}']
        )
    header = ['row', '1 % labels', '10 % labels', 'criterion']
    return (
        '## How the budget was chosen\n\nBefore anything else was run, this '
        f'was written down:\n\n> {study.criterion}\n\n'
        f'{markdown(header, lines)}'
    )


def sweep_score(table: StudyTable, group: Group, run: str) -> float | None:
    """The criterion of a row of the sweep.

    Args:
        table (StudyTable): The results.
        group (Group): The sweep.
        run (str): The row.

    Returns:
        float | None: Mean validation accuracy, in percent. None if it was
        not run.
    """
    found = [table.values(run, step, 'top1') for step in group.steps]
    if not all(found):
        return None
    return fmean(value for values in found for value in values.values())
