# Copyright (c) aemim_mm contributors. All rights reserved.
"""The steps that some tables need, in chains of one run and one seed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

from .commands import (
    COST,
    Place,
    cost_step,
    data_step,
    detection_test,
    suite_step,
    training_step,
)
from .manifest import Preset, Recipe, Row, Table
from .steps import Step


@dataclass(frozen=True)
class Plan:
    """What is to be done."""

    data: tuple[Step, ...]  # come before everything
    chains: tuple[tuple[Step, ...], ...]  # independent of each other
    cost: tuple[Step, ...]  # come last, with nothing beside them

    def steps(self) -> tuple[Step, ...]:
        """All steps, in an order in which they can be run."""
        chained = (step for chain in self.chains for step in chain)
        return (*self.data, *chained, *self.cost)


def select_rows(
    tables: Sequence[Table], patterns: Sequence[str]
) -> list[tuple[Table, Row]]:
    """Rows of tables by the names of rows or runs, or by parts of these.

    In a pattern ``*`` stands for anything; no pattern, all rows. ValueError if
    one matches none.
    """
    rows = [(table, row) for table in tables for row in table.rows]
    for pattern in patterns:
        if not any(_matches(row, pattern) for _, row in rows):
            names = '\n  '.join(dict.fromkeys(r.name for _, r in rows))
            raise ValueError(
                f'--rows {pattern!r} matches none of the rows:\n  {names}'
            )
    return [
        (table, row)
        for table, row in rows
        if not patterns or any(_matches(row, each) for each in patterns)
    ]


def make_plan(
    preset: Preset,
    rows: Sequence[tuple[Table, Row]],
    seeds: Sequence[int],
    place: Place,
) -> Plan:
    """The steps for some rows, once for each seed.

    Rows without a run are left out.
    """
    wanted: dict[str, set[str]] = {}
    for table, row in rows:
        run = preset.run_of(row)
        if run is not None:
            wanted.setdefault(run, set()).update(table.steps())
    chains = [
        tuple(_chain(preset, run, seed, needed, place))
        for seed in seeds
        for run, needed in wanted.items()
    ]
    timed = {run for run, needed in wanted.items() if COST in needed}
    if not any(chains):
        return Plan((), (), ())
    return Plan(
        tuple(_data(preset, place, rows)),
        tuple(filter(None, chains)),
        tuple(_cost(preset, timed, place)),
    )


def _matches(row: Row, pattern: str) -> bool:
    return any(
        fnmatch(name.lower(), f'*{pattern.lower()}*')
        for name in (row.name, row.run)
    )


def _data(
    preset: Preset, place: Place, rows: Sequence[tuple[Table, Row]]
) -> Iterator[Step]:
    tables = {table.name for table, _ in rows}
    for entry in preset.data:
        if not set(entry.get('tables', tables)) & tables:
            continue
        yield data_step(entry, place)


def _chain(
    preset: Preset, run: str, seed: int, needed: set[str], place: Place
) -> Iterator[Step]:
    """The steps of a run with a seed."""
    recipes = preset.runs[run]

    def train(name: str, before: Step | None = None) -> Step:
        options: dict[str, Any] = {}
        # Detection has data and settings of its own.
        if 'detection' not in name:
            options.update(preset.train_options)
            if name == 'finetune':
                options.update(preset.finetune_options)
        options.update(recipes[name].options)
        recipe = Recipe(recipes[name].config, options)
        return training_step(run, seed, name, recipe, place, before)

    evaluated = [
        step for step in preset.suite if step in needed and preset.suite[step]
    ]
    detects = 'detection-test' in needed and 'detection' in recipes
    own = detects and 'detection-pretrain' in recipes
    before = None
    if evaluated or 'pretrain' in needed or (detects and not own):
        before = train('pretrain')
        yield before
    if evaluated:
        tuned = train('finetune', before)
        yield tuned
        for name in evaluated:
            yield suite_step(
                tuned, name, preset.suite[name], preset.suite_options, place
            )
    if detects:
        if own:
            before = train('detection-pretrain')
            yield before
        tuned = train('detection', before)
        yield tuned
        yield detection_test(recipes['detection'], tuned, place)


def _cost(preset: Preset, timed: set[str], place: Place) -> Iterator[Step]:
    """Cost tables, each of one base."""
    for group in preset.cost:
        if not timed & set(group.runs):
            continue
        # Always all of them, or those of an earlier call would be lost.
        used = [preset.runs[run]['pretrain'].config for run in group.runs]
        yield cost_step([group.base, *used], preset.cost_options, place)
