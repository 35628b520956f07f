# Copyright (c) aemim_mm contributors. All rights reserved.
"""The study: its rows, what is measured on them, and the steps for it."""

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from .commands import Place, cost_step, data_step, suite_step, training_step
from .manifest import HERE, Recipe
from .plan import Plan
from .steps import Step


@dataclass(frozen=True)
class StudyRun:
    """A row: an encoder, made once for each seed."""

    name: str  # as the report calls it
    # of pre-training, below configs/. None: not pre-trained.
    config: str | None = None
    # changes to the config
    options: Mapping[str, Any] = field(default_factory=dict)
    seeds: Sequence[int] | None = None  # None: those of the group
    paper: float | None = None  # top-1 accuracy (%) in the paper's Table 8


@dataclass(frozen=True)
class Group:
    """Rows that are measured in the same way."""

    name: str
    seeds: Sequence[int]  # a row is made once with each
    steps: Sequence[str]  # stages and parts of the robustness suite
    runs: Mapping[str, StudyRun]  # by the names of their folders
    # changes to the pre-training of all rows
    pretrain_options: Mapping[str, Any] = field(default_factory=dict)

    def seeds_of(self, run: str) -> Sequence[int]:
        """The seeds of a row."""
        own = self.runs[run].seeds
        return self.seeds if own is None else own


@dataclass(frozen=True)
class StudyMeasure:
    """A column of the report."""

    step: str
    key: str  # place in the step's values, keys joined by dots


@dataclass(frozen=True)
class Study:
    """What ``study.yaml`` says."""

    title: str  # what is trained on what
    results: str  # folder of the results, in the repository
    report: str  # its file, in the repository
    # what came out: sentences, '{row - base: measure}' for a difference
    findings: Sequence[str]
    intro: str  # of what the report is made, in Markdown
    # what it says at its parts 'findings', 'rows', 'claims', 'attacks',
    # 'corruptions', 'losses', 'ablations', 'cost' and 'sweep'
    notes: Mapping[str, str]
    limits: str  # what it says last: what the study cannot tell
    criterion: str  # how the budget of the attack is chosen
    # commands that make the data, for 'steps' alone or for all
    data: Sequence[Mapping[str, Any]]
    stages: Mapping[str, Recipe]  # what follows on pre-training
    # parts of the robustness suite, with 'stage', 'parts' and 'list'
    suites: Mapping[str, Mapping[str, Any]]
    suite_options: Sequence[str]
    # 'configs' whose cost is compared with that of the first, and 'options' of
    # the tool
    cost: Mapping[str, Sequence[str]]
    pretrain_options: Mapping[str, Any]  # changes to all pre-training
    groups: Sequence[Group]
    measures: Mapping[str, StudyMeasure]  # columns of the report
    budgets: Mapping[str, StudyMeasure]  # columns of its part on attacks
    # rows in the pictures and in the table by corruption
    compared: Sequence[str]
    # what the paper says: 'says', 'row', 'base', 'measure' and its difference,
    # 'paper'
    claims: Sequence[Mapping[str, Any]]
    # other pairs: 'asks', 'row', 'base'
    questions: Sequence[Mapping[str, str]]

    def group(self, name: str) -> Group:
        """A group, by its name."""
        return next(group for group in self.groups if group.name == name)

    def options_of(self, group: Group, run: str) -> dict[str, Any]:
        """All changes to the pre-training of a row."""
        return {
            **self.pretrain_options,
            **group.pretrain_options,
            **group.runs[run].options,
        }


def read_study() -> Study:
    """The study of ``study.yaml``."""
    content = yaml.safe_load((HERE / 'study.yaml').read_text())
    groups = [
        Group(
            **{
                **group,
                'runs': {k: StudyRun(**v) for k, v in group['runs'].items()},
            }
        )
        for group in content['groups']
    ]
    stages = {k: Recipe(**v) for k, v in content['stages'].items()}
    columns = {
        part: {k: StudyMeasure(**v) for k, v in content[part].items()}
        for part in ('measures', 'budgets')
    }
    options = [str(word) for word in content['suite_options']]
    return Study(
        **{
            **content,
            'groups': groups,
            'stages': stages,
            **columns,
            'suite_options': options,
        }
    )


def plan_study(
    study: Study,
    patterns: Sequence[str],
    seeds: Sequence[int] | None,
    place: Place,
) -> Plan:
    """The steps of the study, seed after seed in every group.

    Patterns are names of rows or groups, or parts of them, in which ``*``
    stands for anything, or ``'cost'``; none of them means all, as None does
    for seeds. ValueError if a pattern names nothing, or the seeds are of no
    row.
    """
    wanted = _named(study, patterns or ['*'])
    chains = []
    for group in study.groups:
        every = {s for run in group.runs for s in group.seeds_of(run)}
        for seed in sorted(every if seeds is None else every & set(seeds)):
            for run in group.runs:
                is_wanted = run in wanted or group.name in wanted
                if is_wanted and seed in group.seeds_of(run):
                    chain = _chain(study, group, run, seed, place)
                    chains.append(tuple(chain))
    cost = []
    if 'cost' in wanted:
        arguments = [str(word) for word in study.cost['options']]
        cost = [cost_step(study.cost['configs'], arguments, place)]
    if not chains and not cost:
        raise ValueError(
            f'--seeds {seeds}: no row of {", ".join(sorted(wanted))} has one'
        )
    return Plan(data_for(study, chains, place), tuple(chains), tuple(cost))


def data_for(
    study: Study, chains: Sequence[Sequence[Step]], place: Place
) -> tuple[Step, ...]:
    """The steps that make the data of chains."""
    made = {step.name for chain in chains for step in chain}
    return tuple(
        data_step(entry, place)
        for entry in study.data
        if made.intersection(entry.get('steps', made))
    )


def _named(study: Study, patterns: Sequence[str]) -> set[str]:
    """The rows and groups that patterns name."""
    known = ['cost']
    for group in study.groups:
        known += [group.name, *group.runs]
    found = set()
    for pattern in patterns:
        parts = f'*{pattern.lower()}*'
        # Or 'mae' would stand for 'mae-long', 'aemim' and more.
        named = [pattern] if pattern in known else fnmatch.filter(known, parts)
        if not named:
            there = '\n  '.join(
                f'{group.name}: {", ".join(group.runs)}'
                for group in study.groups
            )
            raise ValueError(
                f'--rows {pattern!r} matches no row of the study:\n  {there}'
            )
        found.update(named)
    return found


def _chain(
    study: Study, group: Group, run: str, seed: int, place: Place
) -> Iterator[Step]:
    """The steps of a row with a seed."""
    row = group.runs[run]
    before = None
    if row.config is not None:
        recipe = Recipe(row.config, study.options_of(group, run))
        before = training_step(run, seed, 'pretrain', recipe, place)
        yield before
    done: dict[str, Step] = {}
    for name in group.steps:
        if name in study.stages:
            recipe = study.stages[name]
            if before is None:
                scratch = {'model.backbone.init_cfg': None}
                recipe = Recipe(recipe.config, {**recipe.options, **scratch})
            done[name] = training_step(run, seed, name, recipe, place, before)
            yield done[name]
            continue
        suite = study.suites[name]
        arguments = [*study.suite_options, '--attack-list', suite['list']]
        yield suite_step(
            done[suite['stage']], name, suite['parts'], arguments, place
        )
