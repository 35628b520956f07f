# Copyright (c) aemim_mm contributors. All rights reserved.
"""Tables in the layout of the AEMIM paper, in Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aemim_mm_cli.choices import CORRUPTIONS
from aemim_mm_cli.robustness_arguments import ATTACKS

from ..utils.markdown import number
from .columns import NUM_CELLS, ORIGINAL_IMAGES, Column, budgets, cell_errors

TITLES = {
    'imagenet': 'IN',
    'real': 'IN-Real',
    'v2': 'IN-V2',
    'a': 'IN-A',
    'r': 'IN-R',
    'sketch': 'IN-S',
    'c': 'IN-C',
    'fgsm': 'FGSM',
    'pgd': 'PGD-20',
    'autoattack': 'AutoAttack',
    'curve': 'Robustness curve',
}


@dataclass(frozen=True)
class Table:
    """A table with a row per classifier.

    Attributes:
        title (str): Heading.
        columns (tuple[Column, ...]): Its columns.
    """

    title: str
    columns: tuple[Column, ...]


def paper_tables(models: Sequence[Mapping]) -> list[Table]:
    """The tables that some classifier has a number for.

    Args:
        models (Sequence[Mapping]): Contents of results.json files.

    Returns:
        list[Table]: Tables 4, 5 and 6 of the paper, the last once more for
        PGD and AutoAttack, with their columns in the paper's order.
    """
    tables = [
        Table(
            'ImageNet and its IID variants: top-1 accuracy (Table 4)',
            tuple(Column(TITLES[k], k) for k in ('imagenet', 'real', 'v2')),
        ),
        Table(
            'OOD variants: top-1 accuracy, IN-C: mCE, lower is better '
            '(Table 5)',
            (
                *(Column(TITLES[k], k) for k in ('a', 'r', 'sketch')),
                Column('IN-C', 'c', 'mce'),
                Column('Average score', 'score'),
            ),
        ),
    ]
    for part in ('fgsm', 'pgd', 'autoattack'):
        entries = [results.get(part, {}) for results in models]
        keys = {key for entry in entries for key in budgets(entry)}
        columns = [
            Column(f'epsilon = {key}', part, key)
            for key in sorted(keys, key=float)
        ]
        columns.append(Column('Average acc.', part, 'average'))
        title = f'Top-1 accuracy under {TITLES[part]}, epsilon in pixel values'
        paper = ' (Table 6)' if part == 'fgsm' else ''
        tables.append(Table(f'{title} of 255{paper}', tuple(columns)))
    return [
        table
        for table in tables
        if any(
            column.value(results) is not None
            for results in models
            for column in table.columns
        )
    ]


def corruption_table(models: Sequence[Mapping]) -> Table | None:
    """The mean error of every corruption, and of all.

    Args:
        models (Sequence[Mapping]): Contents of results.json files.

    Returns:
        Table | None: None if there is no corruption error at all.
    """
    entries = [results.get('c', {}) for results in models]
    if not any(cell_errors(entry) for entry in entries):
        return None
    columns = [Column('all', 'c', 'mean_error')]
    columns += [Column(name, 'c', name) for name in CORRUPTIONS]
    return Table(
        'Corruptions: top-1 error, mean over severities',
        tuple(columns),
    )


def footnotes(results: Mapping) -> list[str]:
    """What a reader of a classifier's tables has to know.

    Args:
        results (Mapping): Content of a results.json.

    Returns:
        list[str]: Sentences: numbers of images that differ from the
        original's, and why there is no mCE.
    """
    notes = []
    if class_file := results.get('settings', {}).get('class_file'):
        notes.append(
            f'The classes are those of {class_file}, not of ImageNet-1K: IN '
            "and IN-C are this data set's clean and corrupted images."
        )
    for part, title in TITLES.items():
        images = results.get(part, {}).get('images')
        original = ORIGINAL_IMAGES[part]
        if images is not None and images != original:
            note = f'{title}: {images} images'
            note += ' or more in each cell' if part == 'c' else ''
            if not class_file:
                attacked = part in ATTACKS
                note += (
                    '; the published attacks ran on '
                    if attacked
                    else ('; the original has ')
                )
                note += str(original)
            notes.append(f'{note}.')
        if (other := results.get(f'{part}_all_classes')) is not None:
            notes.append(
                f'{title} over all 1000 classes: {number(other["top1"])} %.'
            )
    entry = results.get('c')
    if entry is not None and entry.get('mce') is None:
        cells = sum(len(row) for row in cell_errors(entry).values())
        reason = (
            f'{cells} of the {NUM_CELLS} cells were evaluated'
            if cells < NUM_CELLS
            else "AlexNet's errors are those of ImageNet-1K's label space, "
            'and this is another one'
        )
        notes.append(
            f'No mCE, and so no score: {reason}. The plain mean error is '
            f'{number(entry.get("mean_error"))} %.'
        )
    return notes
