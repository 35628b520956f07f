# Copyright (c) aemim_mm contributors. All rights reserved.
"""What a resumed checkpoint brings with it.

mmengine restores the optimizer with all its settings, the schedulers and the
seed: what the config says of them has no effect.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aemim_mm_cli.places import tool

from ..utils import type_name
from .differences import differences, listed, plain
from .disagreement import Disagreement
from .run import Run
from .settings import (
    batch_of,
    counts_epochs,
    learning_rate_factor,
    restored_settings,
    schedulers,
)
from .stored_run import StoredRun

# What moments cannot be carried over between.
STRUCTURE = ('type', 'constructor', 'paramwise_cfg')


def same_seed(run: Run) -> None:
    """A resumed run has the seed that it had."""
    stored = run.stored
    seed = run.section('randomness').get('seed')
    if stored is None or None in (seed, stored.seed) or seed == stored.seed:
        return
    raise Disagreement(
        f'randomness.seed={seed}, but {stored.path} restores seed '
        f'{stored.seed}. To continue that run, pass --cfg-options '
        f'randomness.seed={stored.seed}. For a run with another seed, pass '
        'another --work-dir, without --resume.'
    )


def same_loop(run: Run) -> None:
    """Epochs stay epochs, iterations stay iterations."""
    stored = run.stored
    if stored is None or 'train_cfg' not in stored.config:
        return
    before = counts_epochs(stored.config['train_cfg'])
    if before != run.by_epoch:
        kinds = ('iterations', 'epochs')
        raise Disagreement(
            f'train_cfg counts {kinds[not before]}, but the run of '
            f'{stored.path} counts {kinds[before]}: its place in the '
            f'schedule is lost. Count {kinds[before]}, {_from_weights(stored)}'
        )


def averages_are_resumed(run: Run) -> None:
    """A run with averaged weights does not continue from the averages.

    ``EMAHook`` stores them as the model's weights, and swaps on resume.
    """
    stored = run.stored
    if stored is None or not stored.averaged:
        return
    hooks = run.cfg.get('custom_hooks') or ()
    names = [type_name(hook.get('type')) for hook in hooks]
    if 'EMAHook' not in names:
        raise Disagreement(
            f'custom_hooks has no EMAHook, but the run of {stored.path} has '
            'one: the weights in the file are averages, and training would '
            'continue from them. Add the hook as it was, '
            f'{_from_weights(stored)}'
        )


def same_optimizer(run: Run) -> None:
    """A resumed run has the settings of the optimizer that it had."""
    stored = run.stored
    if stored is None or 'optim_wrapper' not in stored.config:
        return
    before = restored_settings(stored.config['optim_wrapper'])
    now = restored_settings(run.section('optim_wrapper'))
    found = list(differences(before, now, 'optim_wrapper'))
    if found and run.new_schedule:
        found = [each for each in found if _is_structure(*each)]
        if found:
            raise Disagreement(
                f'--new-schedule keeps the moments of {stored.path}, which '
                f'are of another optimizer: {listed(found)}. Keep these, '
                f'{_from_weights(stored)}'
            )
    if found:
        raise Disagreement(_no_effect(run, stored, found))


def same_learning_rates(run: Run) -> None:
    """A resumed run scales its learning rates as it did."""
    stored = run.stored
    if stored is None or run.new_schedule:
        return
    # Without notes, the number of processes is taken as unchanged.
    processes = stored.origin.get('processes', run.processes)
    before = learning_rate_factor(stored.config, processes)
    now = learning_rate_factor(run.cfg, run.processes)
    if before != now:
        raise Disagreement(
            _no_effect(
                run,
                stored,
                [('the factor of auto_scale_lr', before, now)],
            )
        )


def same_schedule(run: Run) -> None:
    """A resumed run has the schedulers that it had."""
    stored = run.stored
    if (
        stored is None
        or run.new_schedule
        or 'param_scheduler' not in stored.config
    ):
        return
    before, now = (
        plain([each for _, each in schedulers(cfg)])
        for cfg in (stored.config, run.cfg.to_dict())
    )
    found = list(differences(before, now, 'param_scheduler'))
    if found:
        raise Disagreement(_no_effect(run, stored, found))


def same_length(run: Run) -> None:
    """The schedule of a resumed run reaches to its end."""
    stored = run.stored
    if stored is None or run.new_schedule:
        return
    # Only one without an end of its own ends with the run that it is of.
    if all('end' in each for _, each in schedulers(run.cfg)):
        return
    for key in ('max_epochs', 'max_iters'):
        before = (stored.config.get('train_cfg') or {}).get(key)
        now = run.section('train_cfg').get(key)
        if before is not None and now is not None and now > before:
            raise Disagreement(
                f'train_cfg.{key}={now}, but {stored.path} restores a '
                f'schedule for {before}: what comes after would run at its '
                f'last learning rate. {_ways_out(run, stored)}'
            )


def same_iterations_per_epoch(run: Run) -> None:
    """Schedules in iterations fit the length of an epoch."""
    stored = run.stored
    if stored is None or run.new_schedule or not _counts_iterations(run):
        return
    before, now = stored.iterations_per_epoch, run.iterations_per_epoch
    if None in (before, now) or before == now:
        return
    then = batch_of(stored.config, stored.origin.get('processes', 'unknown'))
    images = len(run.dataset('train'))
    raise Disagreement(
        f'An epoch has {now} iterations ({images} images, '
        f'{batch_of(run.cfg, run.processes)}), but {stored.path} restores a '
        f'schedule in iterations for epochs of {before} ({then}). '
        f'{_ways_out(run, stored)}'
    )


def schedule_can_be_rebuilt(run: Run) -> None:
    """The learning rates of --new-schedule follow from the config."""
    if run.stored is None or not run.new_schedule:
        return
    for key, each in schedulers(run.cfg):
        kind = type_name(each.get('type'))
        if kind.startswith('ReduceOnPlateau'):
            raise Disagreement(
                f'--new-schedule: {key}.type={kind} follows from the metrics '
                f'of the epochs before, which {run.stored.path} does not '
                'hold. Choose another scheduler, or resume without '
                '--new-schedule.'
            )


def is_finished(run: Run) -> bool:
    """Whether a resumed run is at its end, or beyond."""
    stored, train_cfg = run.stored, run.section('train_cfg')
    if stored is None:
        return False
    if run.by_epoch:
        return stored.epoch >= train_cfg.get('max_epochs', float('inf'))
    return stored.iter >= train_cfg.get('max_iters', float('inf'))


def _counts_iterations(run: Run) -> bool:
    return run.by_epoch and any(
        not each.get('by_epoch', True) or each.get('convert_to_iter_based')
        for _, each in schedulers(run.cfg)
    )


def _is_structure(key: str, before: Any, now: Any) -> bool:
    """Whether moments cannot be carried over where such a key differs."""
    return key.rpartition('.')[2] in STRUCTURE


def _no_effect(
    run: Run, stored: StoredRun, found: list[tuple[str, Any, Any]]
) -> str:
    return (
        f'{listed(found)}: this has no effect, because {stored.path} restores '
        f'the old values. {_ways_out(run, stored)}'
    )


def _ways_out(run: Run, stored: StoredRun) -> str:
    """How to go on as it was, and how with the new schedule."""
    dumped = next(_dumped(run, stored), None)
    command = f' ({tool("train.py")} {dumped} --resume)' if dumped else ''
    return (
        f'To continue the old run, set it as it was{command}. To use the '
        'schedule of this config from now on, add --new-schedule.'
    )


def _dumped(run: Run, stored: StoredRun) -> Iterator[Path]:
    """The config that the stored run has left beside its checkpoint."""
    if run.cfg.filename:
        path = Path(stored.path).parent / Path(run.cfg.filename).name
        if path.is_file():
            yield path


def _from_weights(stored: StoredRun) -> str:
    return (
        'or start a new run from its weights: --cfg-options '
        f'load_from={stored.path} without --resume.'
    )
