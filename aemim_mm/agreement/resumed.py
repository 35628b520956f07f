# Copyright (c) aemim_mm contributors. All rights reserved.
"""What a resumed checkpoint brings with it.

mmengine restores the optimizer with all its settings, the schedulers and the
seed: what the config says of them has no effect.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .differences import differences, listed, plain
from .disagreement import Disagreement
from .run import Run
from .stored_run import StoredRun

# Of an optimizer wrapper, what the checkpoint restores.
RESTORED = ('optimizer', 'paramwise_cfg', 'constructor')
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
        f'{stored.seed}. To go on with that run, pass --cfg-options '
        f'randomness.seed={stored.seed}. For a run with another seed, pass '
        'another --work-dir, without --resume.'
    )


def same_loop(run: Run) -> None:
    """Epochs stay epochs, iterations stay iterations."""
    stored = run.stored
    if stored is None or 'train_cfg' not in stored.config:
        return
    before = _by_epoch(stored.config['train_cfg'])
    if before != _by_epoch(run.section('train_cfg')):
        kinds = ('iterations', 'epochs')
        raise Disagreement(
            f'train_cfg counts {kinds[not before]}, but the run of '
            f'{stored.path} counts {kinds[before]}: its place in the '
            f'schedule is lost. Count {kinds[before]}, {_from_weights(stored)}'
        )


def same_optimizer(run: Run) -> None:
    """A resumed run has the settings of the optimizer that it had."""
    stored = run.stored
    if stored is None or 'optim_wrapper' not in stored.config:
        return
    before = _settings(stored.config['optim_wrapper'])
    now = _settings(run.section('optim_wrapper'))
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
    before = _scale(stored.config, processes)
    now = _scale(run.cfg, run.processes)
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
        plain(_list(cfg.get('param_scheduler')))
        for cfg in (stored.config, run.cfg.to_dict())
    )
    found = list(differences(before, now, 'param_scheduler'))
    if found:
        raise Disagreement(_no_effect(run, stored, found))


def same_length(run: Run) -> None:
    """The schedule of a resumed run reaches to its end."""
    stored = run.stored
    if (
        stored is None
        or run.new_schedule
        or not run.cfg.get('param_scheduler')
    ):
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
    before, now = _epoch_length(stored), iterations_per_epoch(run)
    if None in (before, now) or before == now:
        return
    then = _batch(stored.config, stored.origin.get('processes', 'unknown'))
    images = len(run.dataset('train'))
    raise Disagreement(
        f'An epoch has {now} iterations ({images} images, '
        f'{_batch(run.cfg, run.processes)}), but {stored.path} restores a '
        f'schedule in iterations for epochs of {before} ({then}). '
        f'{_ways_out(run, stored)}'
    )


def schedule_can_be_rebuilt(run: Run) -> None:
    """The learning rates of --new-schedule follow from the config."""
    if run.stored is None or not run.new_schedule:
        return
    for index, each in enumerate(_list(run.cfg.get('param_scheduler'))):
        if 'ReduceOnPlateau' in str(each.get('type')):
            raise Disagreement(
                f'--new-schedule: param_scheduler.{index}.type='
                f'{each["type"]} follows from the metrics of the epochs '
                f'before, which {run.stored.path} does not hold. Choose '
                'another scheduler, or resume without --new-schedule.'
            )


def is_finished(run: Run) -> bool:
    """Whether a resumed run has nothing left to do.

    Args:
        run (Run): The run.

    Returns:
        bool: True if the checkpoint is at the end, or beyond.
    """
    stored, train_cfg = run.stored, run.section('train_cfg')
    if stored is None:
        return False
    if _by_epoch(train_cfg):
        return stored.epoch >= train_cfg.get('max_epochs', float('inf'))
    return stored.iter >= train_cfg.get('max_iters', float('inf'))


def iterations_per_epoch(run: Run) -> int | None:
    """Number of iterations of an epoch, as the data loader will count it.

    Args:
        run (Run): The run.

    Returns:
        int | None: None if it is not known before the loader is built.
    """
    loader = run.section('train_dataloader')
    dataset, batch = run.dataset('train'), loader.get('batch_size')
    sampler = str((loader.get('sampler') or {}).get('type', ''))
    if dataset is None or not isinstance(batch, int):
        return None
    if sampler.rpartition('.')[2] != 'DefaultSampler':
        return None
    images = -(-len(dataset) // run.processes)
    drops = loader.get('drop_last', False)
    return images // batch if drops else -(-images // batch)


def _by_epoch(train_cfg: Mapping) -> bool:
    kind = str(train_cfg.get('type', ''))
    return train_cfg.get('by_epoch', True) and 'IterBased' not in kind


def _counts_iterations(run: Run) -> bool:
    return _by_epoch(run.section('train_cfg')) and any(
        not each.get('by_epoch', True) or each.get('convert_to_iter_based')
        for each in _list(run.cfg.get('param_scheduler'))
    )


def _epoch_length(stored: StoredRun) -> int | None:
    """Iterations of an epoch of the stored run."""
    if 'iterations_per_epoch' in stored.origin:
        return stored.origin['iterations_per_epoch']
    # A checkpoint within an epoch does not tell.
    whole = stored.epoch and not stored.iter % stored.epoch
    return stored.iter // stored.epoch if whole else None


def _list(schedulers: Any) -> list[Mapping]:
    """The schedulers of one or several optimizers."""
    if isinstance(schedulers, Mapping):
        if 'type' in schedulers:
            return [schedulers]
        return [each for part in schedulers.values() for each in _list(part)]
    return list(schedulers or ())


def _settings(wrapper: Mapping) -> dict[str, Any]:
    """What a checkpoint restores of one or several optimizer wrappers."""
    if 'optimizer' in wrapper:
        return plain({key: wrapper.get(key) for key in RESTORED})
    return {
        name: _settings(child)
        for name, child in wrapper.items()
        if isinstance(child, Mapping)
    }


def _is_structure(key: str, before: Any, now: Any) -> bool:
    """Whether moments cannot be carried over where such a key differs."""
    return key.rpartition('.')[2] in STRUCTURE


def _scale(cfg: Mapping, processes: int) -> float:
    """The factor by which mmengine scales the learning rates."""
    scale = cfg.get('auto_scale_lr') or {}
    batch = (cfg.get('train_dataloader') or {}).get('batch_size')
    if not scale.get('enable') or batch is None:
        return 1.0
    return batch * processes / scale['base_batch_size']


def _batch(cfg: Mapping, processes: int | str) -> str:
    batch = (cfg.get('train_dataloader') or {}).get('batch_size')
    return f'train_dataloader.batch_size={batch}, processes: {processes}'


def _no_effect(
    run: Run, stored: StoredRun, found: list[tuple[str, Any, Any]]
) -> str:
    return (
        f'{listed(found)}: this has no effect, since {stored.path} restores '
        f'what was. {_ways_out(run, stored)}'
    )


def _ways_out(run: Run, stored: StoredRun) -> str:
    """How to go on as it was, and how with the new schedule."""
    dumped = next(_dumped(run, stored), None)
    command = f' (tools/train.py {dumped} --resume)' if dumped else ''
    return (
        f'To go on as it was, give it as it was{command}. For the schedule of '
        'this config from here on, add --new-schedule.'
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
