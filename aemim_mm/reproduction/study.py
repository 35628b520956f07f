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
    """A row: an encoder, made once for each seed.

    Attributes:
        name (str): As the report calls it.
        config (str, optional): Of pre-training, below ``configs/``. None for
            an encoder that is not pre-trained. Defaults to None.
        options (Mapping[str, Any]): Changes to it.
        seeds (Sequence[int], optional): Others than the group's. Defaults to
            None.
        paper (float, optional): Top-1 accuracy (%) in the paper's Table 8.
            Defaults to None.
    """

    name: str
    config: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    seeds: Sequence[int] | None = None
    paper: float | None = None


@dataclass(frozen=True)
class Group:
    """Rows that are measured in the same way.

    Attributes:
        name (str): Its name.
        seeds (Sequence[int]): A row is made once with each.
        steps (Sequence[str]): Stages and parts of the robustness suite.
        runs (Mapping[str, StudyRun]): Its rows, by the names of their folders.
        pretrain_options (Mapping[str, Any]): Changes to the pre-training of
            all of them.
    """

    name: str
    seeds: Sequence[int]
    steps: Sequence[str]
    runs: Mapping[str, StudyRun]
    pretrain_options: Mapping[str, Any] = field(default_factory=dict)

    def seeds_of(self, run: str) -> Sequence[int]:
        """The seeds of a row."""
        own = self.runs[run].seeds
        return self.seeds if own is None else own


@dataclass(frozen=True)
class StudyMeasure:
    """A column of the report.

    Attributes:
        step (str): The step that measures it.
        key (str): The value's place in the step's values, keys joined by
            dots.
    """

    step: str
    key: str


@dataclass(frozen=True)
class Study:
    """What ``study.yaml`` says.

    Attributes:
        title (str): What is trained on what.
        results (str): Folder of the results, in the repository.
        report (str): The report, in the repository.
        intro (str): What the report says first, in Markdown.
        notes (Mapping[str, str]): What it says at its parts ``rows``,
            ``corruptions``, ``attacks``, ``ablations``, ``cost`` and
            ``sweep``.
        limits (str): What it says last: what the study cannot tell.
        criterion (str): How the budget of the attack is chosen.
        data (Sequence[Mapping]): Commands that make the data, for ``steps``
            alone or for all.
        stages (Mapping[str, Recipe]): What follows on pre-training.
        suites (Mapping[str, Mapping]): Parts of the robustness suite, each
            with ``stage``, ``parts`` and ``list``.
        suite_options (Sequence[str]): Arguments of the suite.
        cost (Mapping[str, Sequence[str]]): ``configs`` whose cost is compared
            with that of the first, and ``options`` of the tool.
        pretrain_options (Mapping[str, Any]): Changes to all pre-training.
        groups (Sequence[Group]): The rows.
        measures (Mapping[str, StudyMeasure]): Columns of the report.
        budgets (Mapping[str, StudyMeasure]): Columns of its part on attacks.
        compared (Sequence[str]): Rows in the pictures and in the table by
            corruption.
        claims (Sequence[Mapping]): What the paper says: ``says``, ``row``,
            ``base``, ``measure`` and its difference, ``paper``.
        questions (Sequence[Mapping]): Other pairs: ``asks``, ``row``,
            ``base``.
    """

    title: str
    results: str
    report: str
    intro: str
    notes: Mapping[str, str]
    limits: str
    criterion: str
    data: Sequence[Mapping[str, Any]]
    stages: Mapping[str, Recipe]
    suites: Mapping[str, Mapping[str, Any]]
    suite_options: Sequence[str]
    cost: Mapping[str, Sequence[str]]
    pretrain_options: Mapping[str, Any]
    groups: Sequence[Group]
    measures: Mapping[str, StudyMeasure]
    budgets: Mapping[str, StudyMeasure]
    compared: Sequence[str]
    claims: Sequence[Mapping[str, Any]]
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
    """The study.

    Returns:
        Study: What ``study.yaml`` says.
    """
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

    Args:
        study (Study): The study.
        patterns (Sequence[str]): Rows or groups, by their names or by parts
            of them, in which ``*`` stands for anything, or ``'cost'``. Empty
            for all.
        seeds (Sequence[int], optional): These alone. None means all that the
            study has.
        place (Place): Where.

    Returns:
        Plan: The plan.

    Raises:
        ValueError: If a pattern names nothing, or the seeds are of no row.
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
    made = {step.name for chain in chains for step in chain}
    data = [
        data_step(entry, place)
        for entry in study.data
        if made.intersection(entry.get('steps', made))
    ]
    return Plan(tuple(data), tuple(chains), tuple(cost))


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
