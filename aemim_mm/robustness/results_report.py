# Copyright (c) aemim_mm contributors. All rights reserved.
"""The report on one classifier: its tables and its robustness curve."""

from collections.abc import Mapping
from pathlib import Path

from aemim_mm_cli.choices import CORRUPTIONS, SEVERITIES

from ..utils.markdown import markdown, number
from ..utils.storage import AtomicLocalBackend, save_figure
from .columns import cell_errors
from .differences import ClassifierResults
from .results_figure import draw_results
from .tables import footnotes, paper_tables

REPORT_FILE = 'results.md'
CURVE_FILE = 'robustness_curve.png'
INTERVAL = 'interval of 95 %'


def write_report(results: Mapping, out_dir: str | Path) -> list[Path]:
    """Write ``results.md`` and, where there is a curve, a picture of it.

    A picture of an earlier run is removed where there is no curve.

    Args:
        results (Mapping): Content of a results.json.
        out_dir (str | Path): The folder to write to, which holds the file of
            minimal budgets that the results name.

    Returns:
        list[Path]: The files.
    """
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    name = model_name(results)
    model = ClassifierResults(name, results)
    sections = [f'# Robustness of {name}\n']
    for table in paper_tables([results]):
        header = ['Model', *(column.title for column in table.columns)]
        row = [name, *(number(c.value(results)) for c in table.columns)]
        interval = [INTERVAL, *map(model.interval, table.columns)]
        text = markdown(header, [row, interval])
        sections.append(f'## {table.title}\n\n{text}')
    if notes := footnotes(results):
        sections.append(''.join(f'- {note}\n' for note in notes))
    if errors := cell_errors(results.get('c', {})):
        table = _markdown_of_corruptions(errors, results['c'])
        sections.append(f'## Corruptions: top-1 error\n\n{table}')
    files = [out_dir / REPORT_FILE]
    figure = draw_results({name: results}, {name: out_dir})
    if figure is None:
        (out_dir / CURVE_FILE).unlink(missing_ok=True)
    else:
        files.append(out_dir / CURVE_FILE)
        save_figure(figure, files[-1])
        sections.append(
            f'## Robustness curve (Figure 3)\n\n![Accuracy over the budget of '
            f'PGD]({CURVE_FILE})\n'
        )
        if grid := results['curve'].get('grid'):
            sections.append(_grid(grid))
    text = '\n'.join(sections)
    AtomicLocalBackend().put_text(text, files[0])
    return files


def model_name(results: Mapping) -> str:
    """What to call the classifier of a results.json.

    Args:
        results (Mapping): Its content.

    Returns:
        str: The name.
    """
    model = results.get('model') or 'model'
    if isinstance(model, Mapping):
        model = model.get('name') or 'model'
    return str(model)


def _markdown_of_corruptions(errors: Mapping, entry: Mapping) -> str:
    header = ['Corruption', *map(str, SEVERITIES), 'mean', 'CE']
    rows = []
    for name in CORRUPTIONS:
        if name not in errors:
            continue
        row = [errors[name].get(severity) for severity in SEVERITIES]
        there = list(errors[name].values())
        row += [sum(there) / len(there)]
        row += [entry['per_corruption'][name].get('ce')]
        rows.append([name, *map(number, row)])
    gaps = [''] * len(SEVERITIES)
    mean = [number(entry.get('mean_error')), number(entry.get('mce'))]
    return markdown(header, [*rows, ['all', *gaps, *mean]])


def _grid(grid: Mapping) -> str:
    pairs = zip(grid['eps'], grid['top1'], strict=True)
    rows = [
        [f'{eps:.4f}', f'{255 * eps:.2f}', number(top1)] for eps, top1 in pairs
    ]
    return markdown(['epsilon', 'of 255', 'Top-1 accuracy'], rows)
