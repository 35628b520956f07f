# Copyright (c) aemim_mm contributors. All rights reserved.
"""Several classifiers side by side, with intervals."""

import json
import reprlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from aemim_mm_cli.robustness_arguments import PARTS

from ..utils.markdown import ABSENT, markdown
from ..utils.storage import AtomicLocalBackend, save_figure
from .differences import INSIDE, UNPAIRED, ClassifierResults, difference
from .per_image import read_per_image
from .results_figure import draw_results
from .results_report import model_name
from .tables import (
    Table,
    corruption_table,
    footnotes,
    paper_tables,
)

COMPARE_FILE = 'comparison.md'
CURVES_FILE = 'robustness_curves.png'
LEGEND = f"""\
Percent, with intervals of 95 %. They say how far a number can be off because
these images were drawn and not others, and nothing about another run of the
training.

- `{INSIDE}`: the interval of the difference contains 0, so that these images
  do not tell the two classifiers apart. Of equally good ones, one difference
  in twenty is not marked, by chance.
- `{UNPAIRED}`: not compared image by image, since these results are not there
  for both, or are of other images. Of the same images the interval is wider
  than need be.
- One accuracy has Wilson's score interval. Averages, mean errors, mCE and
  score are sums of correlated shares: for one classifier their intervals are
  upper bounds, and so are those of differences, unless they are compared
  image by image.
"""
# Settings that make no accuracy another one, and names of files and data.
OWN_SETTINGS = (
    *('suite', 'class_file', 'attack_list'),
    *('linear', 'training_data'),
)
# Tables with more are laid out with a row per number.
MAX_COLUMNS = 8


def compare_results(
    paths: Sequence[str | Path], out_dir: str | Path
) -> list[Path]:
    """Write ``comparison.md`` and a picture of all robustness curves.

    Below the classifiers' numbers stand the differences to the first one,
    compared image by image where both have these results.

    Args:
        paths (Sequence[str | Path]): The results.json files, two or more.
        out_dir (str | Path): The folder to write to.

    Returns:
        list[Path]: The files.

    Raises:
        ValueError: If there are fewer than two, or one is no results.json.
        FileNotFoundError: If a file is missing.
    """
    paths = [Path(path) for path in paths]
    if len(paths) < 2:
        raise ValueError(f'a comparison needs two results.json, got {paths}')
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    contents = [_read_results(path) for path in paths]
    names = _names([model_name(results) for results in contents], paths)
    models = [
        ClassifierResults(name, results, read_per_image(results, path.parent))
        for name, results, path in zip(names, contents, paths, strict=True)
    ]
    sections = ['# Robustness, compared\n', LEGEND]
    tables = paper_tables(contents)
    if (table := corruption_table(contents)) is not None:
        tables.append(table)
    sections += [_section(table, models) for table in tables]
    sections.append(_notes(models, paths))
    files = [out_dir / COMPARE_FILE]
    figure = draw_results(
        dict(zip(names, contents, strict=True)),
        dict(zip(names, (path.parent for path in paths), strict=True)),
    )
    if figure is not None:
        files.append(out_dir / CURVES_FILE)
        save_figure(figure, files[-1])
        sections.append(f'![Accuracy over the budget of PGD]({CURVES_FILE})\n')
    AtomicLocalBackend().put_text('\n'.join(sections), files[0])
    return files


def _read_results(path: Path) -> dict:
    if not path.is_file():
        raise FileNotFoundError(f'there is no file {path}')
    try:
        results = json.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise ValueError(f'{path} is no results.json ({error})') from error
    if not isinstance(results, dict):
        raise ValueError(f'{path} is no results.json: it holds no object')
    if not results.keys() & set(PARTS):
        raise ValueError(
            f'{path} is no results.json: it has none of the parts '
            f'{", ".join(PARTS)}'
        )
    return results


def _names(names: list[str], paths: list[Path]) -> list[str]:
    """Tell classifiers of the same name apart by their folders."""
    for kind in (lambda path: path.parent.name, str):
        count = Counter(names)
        names = [
            f'{name} ({kind(path)})' if count[name] > 1 else name
            for name, path in zip(names, paths, strict=True)
        ]
    if len(set(names)) < len(names):
        raise ValueError(f'a file is named twice: {list(map(str, paths))}')
    return names


def _section(table: Table, models: Sequence[ClassifierResults]) -> str:
    first, *others = models
    rows = [[m.name, *map(m.describe, table.columns)] for m in models]
    for model in others:
        changes = [difference(c, first, model) for c in table.columns]
        cells = [ABSENT if c is None else str(c) for c in changes]
        rows.append([f'{model.name} - {first.name}', *cells])
    lines = [['Model', *(column.title for column in table.columns)], *rows]
    if len(lines[0]) > MAX_COLUMNS:
        lines = list(zip(*lines, strict=True))
    return f'## {table.title}\n\n{markdown(lines[0], lines[1:])}'


def _notes(models: Sequence[ClassifierResults], paths: Sequence[Path]) -> str:
    notes = []
    for model, path in zip(models, paths, strict=True):
        notes.append(f'{model.name}: {path}')
        notes += [f'{model.name}: {note}' for note in footnotes(model.results)]
        notes += _other_settings(models[0], model)
        notes += _other_images(models[0], model)
    return ''.join(f'- {note}\n' for note in notes)


def _other_settings(
    first: ClassifierResults, second: ClassifierResults
) -> list[str]:
    ours, theirs = (
        {
            key: value
            for key, value in _settings(model.results).items()
            if key not in OWN_SETTINGS
        }
        for model in (first, second)
    )
    notes = []
    for key in sorted(ours.keys() | theirs.keys()):
        if ours.get(key) == theirs.get(key):
            continue
        mine, other = _short(ours.get(key)), _short(theirs.get(key))
        notes.append(
            f'{second.name} was evaluated with other {key} than {first.name}.'
            if mine == other
            else f'{second.name} was evaluated with {key} = {other}, '
            f'{first.name} with {mine}.'
        )
    return notes


def _short(value: object) -> str:
    """Of a list, as of the names of 1000 classes, the first entries."""
    return value if isinstance(value, str) else reprlib.repr(value)


def _settings(results: Mapping) -> dict:
    """Those of the suite, and of what was put on a frozen encoder."""
    model = results.get('model')
    head = model.get('head') if isinstance(model, Mapping) else None
    return {**results.get('settings', {}), **(head or {})}


def _other_images(
    first: ClassifierResults, second: ClassifierResults
) -> Iterator[str]:
    """Where no mark in a table says that the images are others."""
    for cell, text in (
        ('curve', 'The curve of {} is of other images than that of {}.'),
        ('train', '{} has other training images for k-NN than {}.'),
    ):
        ours, theirs = (_images(m.results, cell) for m in (first, second))
        if ours and theirs and ours != theirs:
            yield text.format(second.name, first.name)


def _images(results: Mapping, cell: str) -> str | None:
    """The checksum of the images of a curve, or of those for neighbours."""
    sources = results.get('per_image', {}).get('data', {})
    if cell == 'curve':
        cell = next((v for k, v in sources.items() if k[:6] == 'curve/'), '')
    return results.get('data', {}).get(cell, {}).get('sha256')
