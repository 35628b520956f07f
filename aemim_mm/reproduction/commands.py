# Copyright (c) aemim_mm contributors. All rights reserved.
"""The commands of which steps consist, as they are typed in the checkout."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mmengine.config import Config

from aemim_mm_cli.places import CONFIGS, ROOT

from .manifest import Recipe
from .steps import Step

DATA, COST = 'data', 'cost'
COST_TOOL = 'tools/benchmark_cost.py'
CHECKPOINT = 'model.backbone.init_cfg.checkpoint'


@dataclass(frozen=True)
class Place:
    """Where and with what a plan is carried out."""

    out: Path  # the folder of all results
    gpus: int  # of one command

    def folder(self, run: str, seed: int) -> Path:
        """The folder of a run."""
        return self.out / run / f'seed{seed}'


def training_step(
    run: str,
    seed: int,
    name: str,
    recipe: Recipe,
    place: Place,
    before: Step | None = None,
) -> Step:
    """A training run, whose output is its last checkpoint.

    It starts from the weights of the run ``before``, if there is one.
    """
    cfg = _config(recipe.config)
    options = {'randomness.seed': seed, **recipe.options}
    words = [_at(f'{key}={value}', place) for key, value in options.items()]
    batch = _batch(cfg, place.gpus)
    if before is not None:
        words.append(f'{CHECKPOINT}={before.output}')
    folder = place.folder(run, seed)
    config = f'configs/{recipe.config}'
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
        output=folder / name / f'epoch_{epochs_of(recipe)}.pth',
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


def suite_step(
    tuned: Step,
    name: str,
    parts: Sequence[str],
    arguments: Sequence[str],
    place: Place,
) -> Step:
    """Parts of the robustness suite, on the classifier that was trained."""
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
            *parts,
            *(_at(word, place) for word in arguments),
            *launcher,
            '--out',
            str(out),
        ),
        output=output_of(tuned.folder, name),
        inputs=(tuned.output,),
        configs=(config,),
        identity=(config, *parts, *arguments),
    )


def detection_test(recipe: Recipe, tuned: Step, place: Place) -> Step:
    """The test of the detector that ``tuned`` has trained by ``recipe``."""
    options = [
        f'{key}={value}'
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
            *(['--cfg-options'] if options else []),
            *(_at(word, place) for word in options),
        ),
        output=out,
        inputs=(tuned.output,),
        configs=(config,),
        identity=(config, *options),
    )


def cost_step(
    configs: Sequence[str], arguments: Sequence[str], place: Place
) -> Step:
    """A cost table of configs, paths below ``configs/``, the base first."""
    paths = tuple(dict.fromkeys(f'configs/{name}' for name in configs))
    base = Path(configs[0]).stem
    out = place.out / COST / f'{base}.json'
    return Step(
        chain=COST,
        name=base,
        kind=f'cost {base}',
        folder=place.out / COST / 'steps',
        command=(
            *('python', COST_TOOL, *paths),
            *arguments,
            *('--json', str(out)),
        ),
        output=out,
        configs=paths,
        identity=(*paths, *arguments),
    )


def data_step(entry: Mapping[str, Any], place: Place) -> Step:
    """A command that makes data: its ``name``, ``command`` and ``output``."""
    words = [_at(word, place) for word in entry['command']]
    return Step(
        chain=DATA,
        name=entry['name'],
        kind=f'data {entry["name"]}',
        folder=place.out / DATA,
        command=('python', *words),
        output=ROOT / _at(entry['output'], place),
        identity=tuple(map(str, entry['command'])),
    )


def epochs_of(recipe: Recipe) -> int:
    """Epochs of a recipe's training."""
    cfg = _config(recipe.config)
    return recipe.options.get('train_cfg.max_epochs', cfg.train_cfg.max_epochs)


@cache
def _config(name: str) -> Config:
    """A config, not to be changed."""
    return Config.fromfile(CONFIGS / name)


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
