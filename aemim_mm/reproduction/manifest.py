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
    """Where the value of a column comes from.

    Attributes:
        step (str): The step of a run.
        key (str): The value's place in the JSON file that the step writes,
            keys joined by dots.
        factor (float): By which it is multiplied.
    """

    step: str
    key: str = ''
    factor: float = 1.0


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
    """A row of a table, or a curve of a figure.

    Attributes:
        method (str): As the paper calls it; ``*`` marks what its authors have
            reproduced themselves.
        encoder (str): Such as ``'ViT-S/16'``.
        epochs (int): Of pre-training.
        run (str): Name of the run.
        paper (tuple): The published values, None for a dash.
    """

    method: str
    encoder: str
    epochs: int
    run: str
    paper: tuple[float | None, ...]

    @property
    def name(self) -> str:
        """What tells it from the other rows."""
        return f'{self.method}, {self.encoder}, {self.epochs} epochs'


@dataclass(frozen=True)
class Table:
    """A table or figure of the paper.

    Attributes:
        name (str): Such as ``'table4'``.
        title (str): What it shows.
        section (str): Of the paper.
        columns (tuple[str, ...]): Keys of :data:`MEASURES`.
        rows (tuple[Row, ...]): Its rows.
    """

    name: str
    title: str
    section: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def steps(self) -> set[str]:
        """The last steps that its rows need."""
        if self.name == 'figure2':
            return {'pretrain'}
        return {MEASURES[column].step for column in self.columns}


@dataclass(frozen=True)
class Recipe:
    """A config of a run.

    Attributes:
        config (str): Its path below ``configs/``.
        options (Mapping[str, Any]): Changes to it.
    """

    config: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CostGroup:
    """Runs whose cost is measured together.

    Attributes:
        base (str): The config that they are compared with.
        epochs (int): Of the base's pre-training.
        runs (tuple[str, ...]): The runs.
    """

    base: str
    epochs: int
    runs: tuple[str, ...]


@dataclass(frozen=True)
class Preset:
    """The scale at which the tables are made.

    Attributes:
        name (str): One of :data:`PRESETS`.
        title (str): What is trained on what.
        gpus (int): By default.
        runs (Mapping[str, Mapping[str, Recipe]]): Recipes by the run's name
            and the step: ``pretrain``, ``finetune``, ``detection`` and, where
            detection starts from other weights, ``detection-pretrain``.
        same (Mapping[str, str]): Runs that stand for others.
        train_options (Mapping[str, Any]): Changes to all training configs.
        finetune_options (Mapping[str, Any]): Further ones to those that
            validate.
        suite (Mapping[str, tuple[str, ...]]): Parts of the robustness suite
            by step.
        suite_options (tuple[str, ...]): Arguments of the suite.
        cost_options (tuple[str, ...]): Arguments of the cost table.
        cost (tuple[CostGroup, ...]): Runs whose cost is compared.
        data (tuple[Mapping, ...]): Commands that make the data, with
            ``name``, ``command`` and ``output``.
        measures (Mapping[str, Measure]): Where columns come from.
    """

    name: str
    title: str
    gpus: int
    runs: Mapping[str, Mapping[str, Recipe]]
    same: Mapping[str, str]
    train_options: Mapping[str, Any]
    finetune_options: Mapping[str, Any]
    suite: Mapping[str, tuple[str, ...]]
    suite_options: tuple[str, ...]
    cost_options: tuple[str, ...]
    cost: tuple[CostGroup, ...]
    data: tuple[Mapping[str, Any], ...]
    measures: Mapping[str, Measure]

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
    """A preset.

    Args:
        name (str): One of :data:`PRESETS`.

    Returns:
        Preset: The preset.
    """
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
