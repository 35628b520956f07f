# Copyright (c) aemim_mm contributors. All rights reserved.
"""Tables in the paper's layout: Markdown, pictures and ``tables.json``."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ..utils.markdown import ABSENT, markdown, number
from ..utils.storage import AtomicLocalBackend
from .figures import FIGURES
from .manifest import Preset, Row, Table
from .outcomes import Outcomes, Value, values_of

NOT_AT_SCALE = """\
**Measured at another scale than the paper's: {title}.** The paper's values
stand beside them for the layout alone, so no difference is given. Rows that
this preset does not tell apart share a run, which the last column names.
"""
LEGEND = """\
Each value has three columns: the paper's, the measured one (mean +- standard
deviation over n seeds), and the difference. A dash: not published, or not run.
RPTT is the measured time of a step relative to that of the base, mmpretrain's
own MAE at the paper's scale, times the ratio of the epochs; one measurement.
"""


def write_report(
    preset: Preset, tables: Sequence[Table], wanted: set[str], out: Path
) -> list[Path]:
    """Write ``report.md``, ``tables.json`` and the pictures; give the paths.

    Tables named in ``wanted`` are written even if nothing of them was run; the
    others are where something was.
    """
    outcomes = Outcomes(preset, out)
    tables = [
        table
        for table in tables
        if table.name in wanted or outcomes.has_any(table)
    ]
    values = values_of(outcomes, tables)
    pictures = {}
    for table in tables:
        draw = FIGURES.get(table.name)
        figure = draw(table, outcomes) if draw else None
        if figure is not None:
            pictures[table.name] = out / f'{table.name}.png'
            figure.savefig(pictures[table.name])
    sections = [f'# The tables of the paper: {preset.title}\n']
    if preset.name != 'imagenet':
        sections.append(NOT_AT_SCALE.format(title=preset.title))
    sections.append(LEGEND)
    for table in tables:
        sections.append(_section(table, values[table.name], outcomes))
        if table.name in pictures:
            name = pictures[table.name].name
            sections.append(f'![{table.title}]({name})\n')
    storage = AtomicLocalBackend()
    report, content = out / 'report.md', out / 'tables.json'
    storage.put_text('\n'.join(sections), report)
    storage.put_text(_as_json(values), content)
    return [report, content, *pictures.values()]


def list_tables(tables: Sequence[Table], preset: Preset) -> str:
    """The manifest in Markdown: rows with published values and configs."""
    sections = []
    for table in tables:
        rows = []
        for row in table.rows:
            run = preset.run_of(row)
            recipes = preset.runs[run].values() if run else ()
            configs = ', '.join(recipe.config for recipe in recipes)
            rows.append(
                [row.name, *map(number, row.paper), configs or 'no recipe']
            )
        header = ['row', *table.columns, f'configs of {preset.name}']
        sections.append(f'{_title(table)}\n{markdown(header, rows)}')
    return '\n'.join(sections)


def _title(table: Table) -> str:
    kind, digit = table.name[:-1].capitalize(), table.name[-1]
    return f'## {kind} {digit}: {table.title} (Section {table.section})\n'


def _section(
    table: Table,
    rows: Sequence[tuple[Row, dict[str, Value]]],
    outcomes: Outcomes,
) -> str:
    """A table as Markdown."""
    at_scale = outcomes.preset.name == 'imagenet'
    if not table.columns:
        return _title(table)
    header = ['row']
    for column in table.columns:
        header += [f'{column}, paper', 'measured', 'difference']
    header.append('run')
    lines = []
    for row, values in rows:
        cells = [row.name]
        for value in values.values():
            difference = value.difference if at_scale else None
            cells += [
                number(value.paper),
                _measured(value),
                ABSENT if difference is None else f'{difference:+.1f}',
            ]
        lines.append([*cells, outcomes.preset.run_of(row) or ABSENT])
    return f'{_title(table)}\n{markdown(header, lines)}'


def _measured(value: Value) -> str:
    if value.measured is None:
        return ABSENT
    spread = '' if value.std is None else f' +- {number(value.std)}'
    return f'{number(value.measured)}{spread} (n {value.n})'


def _as_json(
    values: dict[str, list[tuple[Row, dict[str, Value]]]],
) -> str:
    content = {
        table: {
            'rows': [
                {
                    'name': row.name,
                    'values': {c: asdict(v) for c, v in cells.items()},
                }
                for row, cells in rows
            ]
        }
        for table, rows in values.items()
    }
    return json.dumps(content, indent=2) + '\n'
