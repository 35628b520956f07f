# Copyright (c) aemim_mm contributors. All rights reserved.
"""The paper's tables, and the runs that a preset makes for their rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
# Parts of the robustness suite, by the step that evaluates them.
SUITE = {
    'top1': ('imagenet',),
    'iid': ('real', 'v2'),
    'ood': ('a', 'r', 'sketch', 'c'),
    'fgsm': ('fgsm',),
    'curve': ('curve',),
}


@dataclass(frozen=True)
class Measure:
    """Where the value of a column comes from."""

    step: str
    # the value's place in the JSON file of the step, keys joined by dots
    key: str = ''
    factor: float = 1.0  # by which the value is multiplied


MEASURES = {
    'RPTT': Measure('cost'),
    'IN': Measure('top1', 'imagenet.top1'),
    'Top-1': Measure('top1', 'imagenet.top1'),
    'IN-Real': Measure('iid', 'real.top1'),
    'IN-V2': Measure('iid', 'v2.top1'),
    'IN-A': Measure('ood', 'a.top1'),
    'IN-R': Measure('ood', 'r.top1'),
    'IN-S': Measure('ood', 'sketch.top1'),
    'IN-C': Measure('ood', 'c.mce'),
    'Score': Measure('ood', 'score'),
    **{f'eps={e}': Measure('fgsm', f'fgsm.{e}') for e in (0, 1, 2, 4, 8)},
    'Average': Measure('fgsm', 'fgsm.average'),
    'eps=0.002': Measure('curve'),
    'APbox': Measure('detection-test', 'coco/bbox_mAP', 100.0),
    'APmask': Measure('detection-test', 'coco/segm_mAP', 100.0),
}


@dataclass(frozen=True)
class Row:
    """A row of a table, or a curve of a figure."""

    # as the paper calls it; * is what its authors reproduced themselves
    method: str
    encoder: str  # such as 'ViT-S/16'
    epochs: int  # of pre-training
    run: str
    paper: tuple[float | None, ...]  # the published values, None for a dash

    @property
    def name(self) -> str:
        """What tells it from the other rows."""
        return f'{self.method}, {self.encoder}, {self.epochs} epochs'


@dataclass(frozen=True)
class Table:
    """A table or figure of the paper."""

    name: str  # such as 'table4'
    title: str
    section: str  # of the paper
    columns: tuple[str, ...]  # keys of MEASURES
    rows: tuple[Row, ...]

    def steps(self) -> set[str]:
        """The last steps that its rows need."""
        if self.name == 'figure2':
            return {'pretrain'}
        return {MEASURES[column].step for column in self.columns}


@dataclass(frozen=True)
class Recipe:
    """A config of a run."""

    config: str  # path below configs/
    options: Mapping[str, Any] = field(default_factory=dict)  # changes to it


@dataclass(frozen=True)
class CostGroup:
    """Runs whose cost is measured together."""

    base: str  # the config that they are compared with
    epochs: int  # of the base's pre-training
    runs: tuple[str, ...]


@dataclass(frozen=True)
class Preset:
    """The scale at which the tables are made."""

    name: str
    title: str  # what is trained on what
    gpus: int
    # recipes by the run's name and the step: 'pretrain', 'finetune',
    # 'detection' and, where detection starts from other weights,
    # 'detection-pretrain'
    runs: Mapping[str, Mapping[str, Recipe]]
    same: Mapping[str, str]  # runs that stand for others
    train_options: Mapping[str, Any]  # changes to all training configs
    finetune_options: Mapping[str, Any]  # further ones to those that validate
    # parts of the robustness suite by step
    suite: Mapping[str, tuple[str, ...]]
    suite_options: tuple[str, ...]
    cost_options: tuple[str, ...]
    cost: tuple[CostGroup, ...]
    # commands that make the data: 'name', 'command' and 'output'
    data: tuple[Mapping[str, Any], ...]
    measures: Mapping[str, Measure]  # by column

    def run_of(self, row: Row) -> str | None:
        """The run of a row, None if the preset has none."""
        name = self.same.get(row.run, row.run)
        return name if name in self.runs else None


def read_tables() -> dict[str, Table]:
    """The paper's tables and figures, in its order, by name."""
    content = yaml.safe_load((HERE / 'paper.yaml').read_text())
    return {
        name: Table(
            name,
            table['title'],
            table['section'],
            tuple(table['columns']),
            tuple(
                Row(**{**row, 'paper': tuple(row['paper'])})
                for row in table['rows']
            ),
        )
        for name, table in content.items()
    }


def read_preset(name: str) -> Preset:
    """The preset in ``<name>.yaml``, laid over its ``base`` if it has one."""
    content = yaml.safe_load((HERE / f'{name}.yaml').read_text())
    if 'base' in content:
        base = yaml.safe_load((HERE / f'{content["base"]}.yaml').read_text())
        keys = ('runs', 'train_options', 'finetune_options', 'measures')
        merged = {k: {**base.get(k, {}), **content.get(k, {})} for k in keys}
        content = {**base, **content, **merged}
    runs = {k: v for k, v in content['runs'].items() if v and 'same' not in v}
    return Preset(
        name=name,
        title=content['title'],
        gpus=content['gpus'],
        runs={
            run: {step: _recipe(value) for step, value in steps.items()}
            for run, steps in runs.items()
        },
        same={
            run: value['same']
            for run, value in content['runs'].items()
            if value and 'same' in value
        },
        train_options=content.get('train_options') or {},
        finetune_options=content.get('finetune_options') or {},
        suite={k: tuple(v) for k, v in content.get('suite', SUITE).items()},
        suite_options=tuple(map(str, content['suite_options'])),
        cost_options=tuple(map(str, content['cost_options'])),
        cost=tuple(
            CostGroup(**{**group, 'runs': tuple(group['runs'])})
            for group in content['cost']
        ),
        data=tuple(content.get('data') or ()),
        measures={
            **MEASURES,
            **{
                column: Measure(**value)
                for column, value in (content.get('measures') or {}).items()
            },
        },
    )


def _recipe(value: str | Mapping[str, Any]) -> Recipe:
    return Recipe(value) if isinstance(value, str) else Recipe(**value)
