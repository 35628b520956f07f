# Copyright (c) aemim_mm contributors. All rights reserved.
"""The values that finished steps have left."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from ..evaluation.robustness_curve import MinimalEpsilons
from .commands import COST, epochs_of, output_of
from .manifest import Preset, Row, Table


@dataclass(frozen=True)
class Value:
    """A value of a table."""

    paper: float | None  # the published one
    measured: float | None  # mean over the seeds that have one
    std: float | None  # over them (n - 1); None below two
    n: int

    @property
    def difference(self) -> float | None:
        """Measured minus published."""
        if self.paper is None or self.measured is None:
            return None
        return self.measured - self.paper


class Outcomes:
    """What a reproduction with a preset has left in its folder."""

    def __init__(self, preset: Preset, out: Path) -> None:
        self.preset = preset
        self.out = out

    def value(self, table: Table, row: Row, column: str) -> Value:
        """A value, measured and published."""
        paper = row.paper[table.columns.index(column)]
        run = self.preset.run_of(row)
        found = [] if run is None else self._measured(run, column)
        return Value(
            paper=paper,
            measured=fmean(found) if found else None,
            std=stdev(found) if len(found) > 1 else None,
            n=len(found),
        )

    def has_any(self, table: Table) -> bool:
        """Whether a value of a table was measured, or its runs are there."""
        return any(
            self.folders(row, step)
            for row in table.rows
            for step in table.steps() - {COST}
        )

    def folders(self, row: Row, step: str) -> list[Path]:
        """Folders in which a step of a row's run is finished, by seed."""
        run = self.preset.run_of(row)
        return [] if run is None else self._finished(run, step)

    def _finished(self, run: str, step: str) -> list[Path]:
        folders = {
            int(folder.name.removeprefix('seed')): folder
            for folder in self.out.glob(f'{run}/seed*')
            if folder.name.removeprefix('seed').isdecimal()
        }
        return [
            folders[seed]
            for seed in sorted(folders)
            if _is_finished(folders[seed], step)
        ]

    def _measured(self, run: str, column: str) -> list[float]:
        """Its values, one for each seed."""
        measure = self.preset.measures[column]
        if measure.step == COST:
            return self._cost(run)
        found = []
        for folder in self._finished(run, measure.step):
            output = output_of(folder, measure.step)
            content = _read(output)
            if column.startswith('eps=0.') and measure.step == 'curve':
                name = content['curve']['minimal_eps']
                budgets = MinimalEpsilons.load(output.parent / name)
                found += budgets.curve([float(column.removeprefix('eps='))])
                continue
            value = _at(content, measure.key)
            if value is not None:
                found.append(value * measure.factor)
        return found

    def _cost(self, run: str) -> list[float]:
        """Pre-training time relative to that of the base."""
        recipe = self.preset.runs[run]['pretrain']
        for group in self.preset.cost:
            path = self.out / COST / f'{Path(group.base).stem}.json'
            if run not in group.runs or not path.is_file():
                continue
            for row in _read(path)['rows']:
                if Path(row['name']).stem == Path(recipe.config).stem:
                    epochs = epochs_of(recipe) / group.epochs
                    return [row['ratio'] * epochs]
        return []


def values_of(
    outcomes: Outcomes, tables: Sequence[Table]
) -> dict[str, list[tuple[Row, dict[str, Value]]]]:
    """All values: by table, its rows with their values by column."""
    return {
        table.name: [
            (row, {c: outcomes.value(table, row, c) for c in table.columns})
            for row in table.rows
        ]
        for table in tables
    }


def _is_finished(folder: Path, step: str) -> bool:
    """Whether a step has its result, and nothing before it runs anew.

    Results of commands that were run by hand have no record, and count.
    """
    if step == 'pretrain':
        there = any((folder / step).glob('epoch_*.pth'))
    else:
        there = output_of(folder, step).is_file()
    before = ['pretrain', 'finetune']
    if 'detection' in step:
        before = ['pretrain', 'detection-pretrain', 'detection']
    names = [step] if step == 'pretrain' else [*before, step]
    records = [folder / f'{name}.json' for name in names]
    return there and all(
        _read(record)['seconds'] is not None
        for record in records
        if record.is_file()
    )


def _at(content: Mapping[str, Any], key: str) -> float | None:
    """A value at keys joined by dots; keys may hold dots themselves."""
    if key in content:
        return content[key]
    first, _, rest = key.partition('.')
    inner = content.get(first)
    return _at(inner, rest) if rest and isinstance(inner, Mapping) else None


def _read(path: Path) -> Any:
    return json.loads(path.read_text())
