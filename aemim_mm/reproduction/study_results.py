# Copyright (c) aemim_mm contributors. All rights reserved.
"""What the steps of the study leave: a small JSON file per row and seed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ..checkpoints.content import content_hash
from ..evaluation.robustness_curve import GRID, MinimalEpsilons
from ..utils.storage import AtomicLocalBackend
from ..visualization.curves import (
    epoch_means,
    last_metric,
    read_scalars,
)
from .commands import output_of
from .steps import Step, config_hash
from .study import Study

COST_FILE = 'cost.json'
LOSSES = (
    *('epoch', 'loss', 'recon_clean', 'recon_adv'),
    *('distance_start', 'distance_end'),
)


def write_results(
    study: Study, chain: Sequence[Step], step: Step, folder: Path
) -> None:
    """Write what a finished step of a chain has left.

    The step is made from what it would be made from now. Results of later
    steps that started from other weights go: a file is of one pre-training.
    """
    path = _path(step, folder)
    state = step.state()
    (source,) = step.inputs or (None,)
    content = read_result(path) if path.is_file() else {}
    content.update(run=path.parent.name, seed=int(path.stem[len('seed') :]))
    cells = content.setdefault('steps', {})
    cells[step.name] = dict(
        config=step.configs[0],
        config_sha256=state['made_from'][step.configs[0]],
        weights_sha256=source and state['made_from'][source.name],
        settings=list(step.identity[1:]),
        seconds=round(state['seconds'], 1),
        **state['made_with'],
        values=_values(study, step),
    )
    weights = {step.output: content_hash(str(step.output))}
    for later in chain:
        (source,) = later.inputs or (None,)
        if source in weights and later.name in cells:
            if cells[later.name].get('weights_sha256') != weights[source]:
                del cells[later.name]
                weights[later.output] = 'other'
    text = json.dumps(content, indent=1)
    AtomicLocalBackend().put_text(f'{text}\n', path)


def is_complete(steps: Sequence[Step], folder: Path) -> bool:
    """Whether the results have all steps of one chain.

    Each is there with this config and these settings.
    """
    path = _path(steps[0], folder)
    kept = read_result(path)['steps'] if path.is_file() else {}
    return all(
        step.name in kept and has_settings(kept[step.name], step)
        for step in steps
    )


def list_strays(chains: Sequence[Sequence[Step]], folder: Path) -> list[str]:
    """Results that none of these chains would make, as it is now."""
    steps = {(s.chain, s.name): s for chain in chains for s in chain}
    strays = []
    for path in sorted(folder.glob('*/seed*.json')):
        chain = f'{path.parent.name}/{path.stem}'
        for name, cell in read_result(path)['steps'].items():
            step = steps.get((chain, name))
            if step is None or not has_settings(cell, step):
                strays.append(f'{chain} {name}')
    return strays


def has_cost(step: Step, folder: Path) -> bool:
    """Whether the cost of the same configs is there."""
    path = folder / COST_FILE
    return path.is_file() and list(read_result(path)['rows']) == list(
        step.configs
    )


def has_settings(cell: Mapping[str, Any], step: Step) -> bool:
    """Whether a result is of this config, as it is now, and these settings.

    Weights are not compared: they may be gone.
    """
    return (
        cell['config'] == step.configs[0]
        and cell['config_sha256'] == _config_hash(step.configs[0])
        and cell['settings'] == list(step.identity[1:])
    )


def write_cost(step: Step, folder: Path) -> None:
    """Write what pre-training costs, if the cost table is finished."""
    state = step.state()
    if state.get('seconds') is None:
        return
    measured = json.loads(step.output.read_text())
    keys = ('ratio', 'floor_operations')
    content = dict(
        machine=measured['machine'],
        settings=list(step.identity[len(step.configs) :]),
        **state['made_with'],
        rows={
            config: {key: row[key] for key in keys}
            for config, row in zip(step.configs, measured['rows'], strict=True)
        },
    )
    text = json.dumps(content, indent=1)
    AtomicLocalBackend().put_text(f'{text}\n', folder / COST_FILE)


def read_result(path: Path) -> dict[str, Any]:
    """A file of results."""
    return json.loads(path.read_text())


# Of many results, most with the same few configs.
_config_hash = cache(config_hash)


def _path(step: Step, folder: Path) -> Path:
    """The file of a row with a seed."""
    return folder / f'{step.chain}.json'


def _values(study: Study, step: Step) -> dict[str, Any]:
    """The numbers that a step has left."""
    if step.name == 'pretrain':
        means = epoch_means(read_scalars(step.folder / step.name))
        return {k: _rounded(means[k]) for k in LOSSES if k in means}
    if step.name in study.stages:
        top1 = last_metric(step.folder / step.name, 'accuracy/top1')
        return {'top1': round(float(top1), 4)}
    output = output_of(step.folder, step.name)
    content = json.loads(output.read_text())
    values: dict[str, Any] = {}
    if 'c' in content:
        kinds = content['c']['per_corruption']
        values['c'] = content['c']['mean_error']
        values['c_error'] = {k: v['error'] for k, v in kinds.items()}
    for part in ('fgsm', 'pgd'):
        if part in content:
            values[part] = content[part]
    if 'curve' in content:
        curve = content['curve']
        search = MinimalEpsilons.load(output.parent / curve['minimal_eps'])
        values['curve'] = dict(
            eps=_rounded(GRID),
            top1=_rounded(search.curve(GRID)),
            grid=_rounded(curve['grid']['top1']),
            images=curve['images'],
        )
    return values


def _rounded(values: Iterable[float]) -> list[float]:
    return [round(float(value), 6) for value in values]
