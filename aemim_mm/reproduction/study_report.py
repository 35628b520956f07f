# Copyright (c) aemim_mm contributors. All rights reserved.
"""The report of the study, made of its committed results alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from aemim_mm_cli.places import ROOT

from ..utils.markdown import ABSENT, markdown, number
from ..utils.storage import AtomicLocalBackend
from .study import Group, Study, StudyMeasure
from .study_claims import claims_text, loss_gap
from .study_figures import draw_figures
from .study_findings import findings_text
from .study_table import Difference, StudyTable, difference, mean_text

EPOCHS = 'train_cfg.max_epochs'
HEAD = """\
# What AEMIM does: a study on {title}

<!-- Written by `python tools/reproduce.py study --report`: do not edit. -->
"""


def write_study(study: Study) -> list[Path]:
    """Write the report and its pictures; return their paths."""
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
    """The report in Markdown, with the pictures that there are."""

    def picture(name: str, text: str) -> str:
        there = name in pictures
        return f'![{text}](images/study_{name}.png)\n' if there else ''

    main = study.group('main')
    sections = [
        HEAD.format(title=study.title),
        findings_text(study, table),
        f'## How to read this\n\n{study.intro}',
        _state(study, table),
        f'## What the rows are\n\n{study.notes["rows"]}',
        list_rows(main),
        _rows(study, main, table),
        _differences('Differences to MAE', main, study.measures, table),
        '## What makes the difference?\n',
        _questions(study, main, study.measures, table),
        claims_text(study, main, table),
        _attacks(study, main, table),
        picture('attacks', 'PGD-20: means and deviations, 1000 images'),
        picture('curves', 'Smallest budget: means over seeds, 100 images'),
        _corruptions(study, main, table),
        _losses(study, main, table),
        picture('losses', 'Losses of one seed under two attacks'),
        _ablations(study, table),
        picture('ratios', 'Accuracy over the loss ratio, one seed'),
        _cost(study, main, table),
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


def list_rows(group: Group) -> str:
    """What is trained for each row: a table in Markdown."""
    lines = []
    for run, row in group.runs.items():
        options = {**group.pretrain_options, **row.options}
        changes = ', '.join(f'`{k}={v}`' for k, v in options.items())
        seeds = ' '.join(map(str, group.seeds_of(run)))
        recipe = f'`{row.config}`' if row.config else ABSENT
        lines.append([row.name, f'`{run}`', recipe, changes or ABSENT, seeds])
    header = ['row', 'run', 'recipe below `configs/`', 'changes', 'seeds']
    return markdown(header, lines, text=range(5))


def list_study(study: Study) -> str:
    """All rows of the study: a table in Markdown for each group."""
    return '\n'.join(f'## {g.name}\n\n{list_rows(g)}' for g in study.groups)


def _rows(study: Study, group: Group, table: StudyTable) -> str:
    """Means."""
    return (
        '## Results\n\nPercent: top-1 accuracy on the 10000 test images; mean '
        'error over 15 corruptions with 5\nseverities, on 2000 images (less '
        'is better); accuracy under attack on 1000 images (mean over\n'
        'epsilon 0, 1, 2, 4, 8 of 255).\n\n'
        + _means(group, study.measures, table)
    )


def _means(
    group: Group, measures: Mapping[str, StudyMeasure], table: StudyTable
) -> str:
    lines = [
        [
            row.name,
            *(
                mean_text(list(table.measured(run, measure).values()))
                for measure in measures.values()
            ),
        ]
        for run, row in group.runs.items()
    ]
    return markdown(['row', *measures], lines)


def _differences(
    title: str,
    group: Group,
    measures: Mapping[str, StudyMeasure],
    table: StudyTable,
) -> str:
    """Each row against MAE."""
    lines = [
        [row.name, *_against('mae', run, measures, table)]
        for run, row in group.runs.items()
        if run != 'mae'
    ]
    return f'## {title}\n\n{markdown(["row", *measures], lines)}'


def _questions(
    study: Study,
    group: Group,
    measures: Mapping[str, StudyMeasure],
    table: StudyTable,
) -> str:
    """Other pairs."""
    lines = []
    for pair in study.questions:
        names = [group.runs[pair[key]].name for key in ('row', 'base')]
        cells = _against(pair['base'], pair['row'], measures, table)
        lines.append([f'{pair["asks"]} {" minus ".join(names)}', *cells])
    return markdown(['pair', *measures], lines)


def _against(
    base: str,
    run: str,
    measures: Mapping[str, StudyMeasure],
    table: StudyTable,
) -> list[str]:
    found = [table.difference(run, base, m) for m in measures.values()]
    return [_text(d) for d in found]


def _text(found: Difference | None, digits: int = 2) -> str:
    return ABSENT if found is None else found.text(digits)


def _attacks(study: Study, group: Group, table: StudyTable) -> str:
    """Accuracy by budget."""
    title = 'Under attack: differences to MAE'
    return (
        f'## Under attack\n\n{study.notes["attacks"]}\n'
        f'{_means(group, study.budgets, table)}\n'
        f'{_differences(title, group, study.budgets, table)}\n'
        f'{_questions(study, group, study.budgets, table)}'
    )


def _corruptions(study: Study, group: Group, table: StudyTable) -> str:
    """Error by corruption."""
    found = {
        run: table.values(run, 'robust', 'c_error') for run in study.compared
    }
    kinds = dict.fromkeys(
        k for v in found.values() for s in v.values() for k in s
    )
    if not kinds:
        return ''
    lines = []
    for kind in kinds:
        errors = {
            run: {seed: fmean(values[kind]) for seed, values in seeds.items()}
            for run, seeds in found.items()
        }
        cells = [
            f'{fmean(values.values()):.1f}' if values else ABSENT
            for values in errors.values()
        ]
        pair = difference(errors['aemim'], errors['mae'])
        lines.append([kind, *cells, _text(pair)])
    names = [
        f'{group.runs[run].name} (n {len(found[run])})'
        for run in study.compared
    ]
    return (
        f'## Corruption by corruption\n\n{study.notes["corruptions"]}\n'
        f'{markdown(["corruption", *names, "AEMIM minus MAE"], lines)}'
    )


def _losses(study: Study, group: Group, table: StudyTable) -> str:
    """Reconstruction losses and feature distances, last epoch."""
    base = table.last('mae', 'loss')
    lines = []
    for run, row in group.runs.items():
        # MAE's only loss is that of clean images.
        clean = table.last(run, 'recon_clean') or table.last(run, 'loss')
        if not clean:
            continue
        cells = [f'{fmean(clean.values()):.4f}']
        cells.append(
            _text(difference(clean, base), 4) if run != 'mae' else ABSENT
        )
        cells.append(_text(loss_gap(table, run), 4))
        for key in ('distance_start', 'distance_end'):
            # Noise has no first step: the distance before it is logged as 0.
            mean = fmean(table.last(run, key).values() or [0])
            cells.append(f'{mean:.2f}' if mean else ABSENT)
        lines.append([f'{row.name} (n {len(clean)})', *cells])
    header = ['row', 'L_c', 'L_c minus that of MAE', 'L_a - L_c']
    return (
        f'## Losses of pre-training\n\n{study.notes["losses"]}\n'
        f'{markdown([*header, "distance before", "and after"], lines)}'
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
        (seed,) = group.seeds
        found = [table.measured(run, m).get(seed) for m in measures.values()]
        cells = [number(value, 2) for value in found]
        lines.append([row.name, *cells, number(row.paper)])
    header = ['row', *measures, 'the paper, Table 8']
    return (
        f'## Loss ratio, steps and budget\n\n{study.notes["ablations"]}\n'
        f'{markdown(header, lines)}'
    )


def _cost(study: Study, group: Group, table: StudyTable) -> str:
    """Time of pre-training."""
    if not table.cost:
        return ''
    lines = []
    for run, row in group.runs.items():
        cost = table.cost['rows'].get(f'configs/{row.config}')
        if cost is not None:
            longer = (
                study.options_of(group, run)[EPOCHS]
                / study.pretrain_options[EPOCHS]
            )
            ratios = cost['ratio'], cost['floor_operations']
            values = [ratios[0], *(longer * ratio for ratio in ratios)]
            lines.append([row.name, *(f'{value:.2f}' for value in values)])
    header = ['row', 'a step', 'pre-training', 'by operations']
    return (
        f'## Cost\n\n`{" ".join(table.cost["settings"])}`, '
        f'{table.cost["machine"]}. {study.notes["cost"]}\n'
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
        f'{markdown(header, lines)}\n{study.notes["sweep"]}'
    )


def sweep_score(table: StudyTable, group: Group, run: str) -> float | None:
    """The criterion of a row of the sweep: mean validation accuracy (%).

    None if a step of it was not run.
    """
    found = [table.values(run, step, 'top1') for step in group.steps]
    if not all(found):
        return None
    return fmean(value for values in found for value in values.values())
