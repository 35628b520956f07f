# Copyright (c) aemim_mm contributors. All rights reserved.
"""The steps that some tables need, in chains of one run and one seed."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

from mmengine.config import Config

from .manifest import Preset, Recipe, Row, Table
from .steps import ROOT, Step

DATA, COST = 'data', 'cost'
CHECKPOINT = 'model.backbone.init_cfg.checkpoint'


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        data (tuple[Step, ...]): Come before everything.
        chains (tuple[tuple[Step, ...], ...]): Independent of each other.
        cost (tuple[Step, ...]): Come last, with nothing beside them.
    """

    data: tuple[Step, ...]
    chains: tuple[tuple[Step, ...], ...]
    cost: tuple[Step, ...]

    def steps(self) -> tuple[Step, ...]:
        """All steps, in an order in which they can be run."""
        chained = (step for chain in self.chains for step in chain)
        return (*self.data, *chained, *self.cost)


@dataclass(frozen=True)
class Place:
    """Where and with what a plan is carried out.

    Attributes:
        out (Path): The folder of all results.
        gpus (int): Number of GPUs of a command.
    """

    out: Path
    gpus: int

    def folder(self, run: str, seed: int) -> Path:
        """The folder of a run."""
        return self.out / run / f'seed{seed}'


def select_rows(
    tables: Sequence[Table], patterns: Sequence[str]
) -> list[tuple[Table, Row]]:
    """Rows of tables.

    Args:
        tables (Sequence[Table]): The tables.
        patterns (Sequence[str]): Names of rows or runs, in which ``*`` stands
            for anything, or parts of them. Empty for all rows.

    Returns:
        list[tuple[Table, Row]]: The rows.

    Raises:
        ValueError: If a pattern matches none.
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
    """The steps for some rows.

    Args:
        preset (Preset): The scale.
        rows (Sequence[tuple[Table, Row]]): The rows, with their tables.
        seeds (Sequence[int]): A run is made once for each.
        place (Place): Where.

    Returns:
        Plan: The plan. Rows without a run are left out.
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


def command_text(command: Sequence[str]) -> str:
    """A command as it is typed in the repository's root."""
    return shlex.join(command)


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
        words = [_at(word, place) for word in entry['command']]
        yield Step(
            chain=DATA,
            name=entry['name'],
            kind=f'data {entry["name"]}',
            folder=place.out / DATA,
            command=('python', *words),
            output=ROOT / _at(entry['output'], place),
        )


def _chain(
    preset: Preset, run: str, seed: int, needed: set[str], place: Place
) -> Iterator[Step]:
    """The steps of a run with a seed."""
    recipes = preset.runs[run]
    evaluated = [
        step for step in preset.suite if step in needed and preset.suite[step]
    ]
    detects = 'detection-test' in needed and 'detection' in recipes
    own = detects and 'detection-pretrain' in recipes
    before = None
    if evaluated or 'pretrain' in needed or (detects and not own):
        before = _train(preset, run, seed, 'pretrain', place)
        yield before
    if evaluated:
        tuned = _train(preset, run, seed, 'finetune', place, before)
        yield tuned
        for name in evaluated:
            yield _evaluate(preset, name, tuned, place)
    if detects:
        if own:
            before = _train(preset, run, seed, 'detection-pretrain', place)
            yield before
        tuned = _train(preset, run, seed, 'detection', place, before)
        yield tuned
        yield _test(recipes['detection'], tuned, place)


def _train(
    preset: Preset,
    run: str,
    seed: int,
    name: str,
    place: Place,
    before: Step | None = None,
) -> Step:
    """A training step, from the weights of another one."""
    recipe = preset.runs[run][name]
    cfg = _config(recipe.config)
    options: dict[str, Any] = {'randomness.seed': seed}
    # Detection has data and settings of its own.
    if 'detection' not in name:
        options.update(preset.train_options)
        if name == 'finetune':
            options.update(preset.finetune_options)
    options.update(recipe.options)
    words = [_at(f'{key}={value}', place) for key, value in options.items()]
    batch = _batch(cfg, place.gpus)
    if before is not None:
        words.append(f'{CHECKPOINT}={before.output}')
    folder = place.folder(run, seed)
    config = f'configs/{recipe.config}'
    epochs = options.get('train_cfg.max_epochs', cfg.train_cfg.max_epochs)
    return Step(
        chain=f'{run}/seed{seed}',
        name=name,
        kind=f'{name} {config}',
        folder=folder,
        command=(
            *_trainer(place.gpus, config),
            '--work-dir',
            str(folder / name),
            '--resume',
            '--cfg-options',
            *(f'{key}={value}' for key, value in batch.items()),
            *words,
        ),
        output=folder / name / f'epoch_{epochs}.pth',
        inputs=() if before is None else (before.output,),
        configs=(config,),
        # Neither places nor the number of GPUs, which keep the batch.
        identity=(config, *(f'{k}={v}' for k, v in options.items())),
    )


def _trainer(gpus: int, config: str) -> tuple[str, ...]:
    if gpus > 1:
        return 'tools/dist_train.sh', config, str(gpus)
    return 'python', 'tools/train.py', config


def _batch(cfg: Config, gpus: int) -> dict[str, Any]:
    """The batch of each GPU for the total batch that the recipe names."""
    total = (cfg.get('auto_scale_lr') or {}).get('base_batch_size')
    batch = cfg.train_dataloader.batch_size
    if not total or batch * gpus == total:
        return {}
    if total % gpus:
        raise ValueError(
            f'--gpus {gpus} does not divide the total batch of {total} of '
            f'{cfg.filename}: choose another number.'
        )
    return {'train_dataloader.batch_size': total // gpus}


def _evaluate(preset: Preset, name: str, tuned: Step, place: Place) -> Step:
    """A part of the robustness suite."""
    config = tuned.configs[0]
    out = tuned.folder / name
    script: tuple[str, ...] = ('python',)
    launcher: tuple[str, ...] = ()
    if place.gpus > 1:
        script = (
            *('python', '-m', 'torch.distributed.run', '--standalone'),
            f'--nproc_per_node={place.gpus}',
        )
        launcher = ('--launcher', 'pytorch')
    return Step(
        chain=tuned.chain,
        name=name,
        kind=f'{name} {config}',
        folder=tuned.folder,
        command=(
            *script,
            'tools/evaluate_robustness.py',
            config,
            str(tuned.output),
            '--suite',
            *preset.suite[name],
            *(_at(word, place) for word in preset.suite_options),
            *launcher,
            '--out',
            str(out),
        ),
        output=output_of(tuned.folder, name),
        inputs=(tuned.output,),
        configs=(config,),
        identity=(config, *preset.suite[name], *preset.suite_options),
    )


def _test(recipe: Recipe, tuned: Step, place: Place) -> Step:
    """The test of a detector."""
    options = [
        _at(f'{key}={value}', place)
        for key, value in recipe.options.items()
        if key.startswith('test_')
    ]
    config = tuned.configs[0]
    out = output_of(tuned.folder, 'detection-test')
    tester = ('python', 'tools/test.py', config, str(tuned.output))
    if place.gpus > 1:
        tester = (
            'tools/dist_test.sh',
            config,
            str(tuned.output),
            str(place.gpus),
        )
    return Step(
        chain=tuned.chain,
        name='detection-test',
        kind=f'detection-test {config}',
        folder=tuned.folder,
        command=(
            *tester,
            *('--work-dir', str(tuned.folder / 'detection-test')),
            *('--out', str(out), '--out-item', 'metrics'),
            *(['--cfg-options', *options] if options else []),
        ),
        output=out,
        inputs=(tuned.output,),
        configs=(config,),
        identity=(config, *recipe.options),
    )


def _cost(preset: Preset, timed: set[str], place: Place) -> Iterator[Step]:
    """Cost tables, each of one base."""
    for group in preset.cost:
        if not timed & set(group.runs):
            continue
        # Always all of them, or those of an earlier call would be lost.
        used = [preset.runs[run]['pretrain'].config for run in group.runs]
        configs = tuple(
            dict.fromkeys(f'configs/{name}' for name in [group.base, *used])
        )
        base = Path(group.base).stem
        out = place.out / COST / f'{base}.json'
        yield Step(
            chain=COST,
            name=base,
            kind=f'cost {base}',
            folder=place.out / COST / 'steps',
            command=(
                *('python', 'tools/benchmark_cost.py', *configs),
                *preset.cost_options,
                *('--json', str(out)),
            ),
            output=out,
            configs=configs,
            identity=(*configs, *preset.cost_options),
        )


def epochs_of(recipe: Recipe) -> int:
    """Epochs of a recipe's training."""
    cfg = _config(recipe.config)
    return recipe.options.get('train_cfg.max_epochs', cfg.train_cfg.max_epochs)


@cache
def _config(name: str) -> Config:
    """A config, not to be changed."""
    return Config.fromfile(ROOT / 'configs' / name)


def output_of(folder: Path, step: str) -> Path:
    """The file that a step of evaluation writes in the folder of a run."""
    if step == 'detection-test':
        return folder / 'detection-test.metrics.json'
    return folder / step / 'results.json'


def _at(word: str, place: Place) -> str:
    """A word of a preset, DATA/ being the folder of the plan's own data."""
    start, found, rest = str(word).rpartition('DATA/')
    if found and (not start or start.endswith('=')):
        return f'{start}{place.out / DATA}/{rest}'
    return str(word)
