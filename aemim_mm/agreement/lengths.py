# Copyright (c) aemim_mm contributors. All rights reserved.
"""Is there anything to do, and does it come about within the run?"""

from collections.abc import Iterator, Mapping

from ..utils import type_name
from .disagreement import Disagreement
from .run import Run


def something_to_do(run: Run) -> None:
    """The data sets are there, and an epoch has an iteration."""
    for phase in run.phases:
        run.dataset(phase)
    if run.iterations_per_epoch == 0:
        loader = run.section('train_dataloader')
        raise Disagreement(
            f'train_dataloader.batch_size={loader["batch_size"]} with '
            f'drop_last=True in {run.processes} process(es), but '
            f'train_dataloader.dataset holds {len(run.dataset("train"))} '
            'images: no iteration would be run. Give a smaller batch_size, '
            'drop_last=False, or more images.'
        )


def checkpoint_within_run(run: Run) -> None:
    """The result of the run is saved."""
    hook = run.section('default_hooks').get('checkpoint')
    if not isinstance(hook, Mapping) or 'train' not in run.phases:
        return
    name = 'default_hooks.checkpoint'
    by_epoch = hook.get('by_epoch', True)
    if by_epoch and not run.by_epoch:
        run.notes.append(
            f'{name}.by_epoch=True, but train_cfg counts iterations '
            f'(max_iters={run.section("train_cfg").get("max_iters")}): '
            'no checkpoint is saved before the end. For more set '
            f'{name}.by_epoch=False and its interval in iterations.'
        )
    length = run.length(by_epoch)
    if length is None:
        return
    unit = 'epochs' if by_epoch else 'iterations'
    begin = hook.get('save_begin', 0)
    interval = hook.get('interval', -1)
    if begin > length:
        raise Disagreement(
            f'{name}.save_begin={begin}, but the run has {length} {unit}: '
            f'set it to {length} or less.'
        )
    if hook.get('save_last', True) or hook.get('save_best'):
        return
    if interval <= 0 or (length - begin) % interval:
        raise Disagreement(
            f'{name} has save_last=False and interval={interval}, but the run '
            f'has {length} {unit}: what it ends with would not be saved. '
            'Set save_last=True, or an interval that divides the run.'
        )


def events_within_run(run: Run) -> None:
    """What is to begin in the course of the run begins before its end."""
    if 'train' not in run.phases:
        return
    _say_single_validation(run)
    for key, value, by_epoch in _beginnings(run):
        length = run.length(by_epoch)
        if length is not None and value > length:
            unit = 'epochs' if by_epoch else 'iterations'
            without = ', or pass --no-validate' if '.val_' in key else ''
            raise Disagreement(
                f'{key}={value}, but the run has {length} {unit}: it would '
                f'never come about. Set it to {length} or less, or train '
                f'longer (train_cfg){without}.'
            )


def batch_norm_has_a_batch(run: Run) -> None:
    """No process ends an epoch with a batch of one image under batch norm."""
    loader = run.section('train_dataloader')
    batch, images = loader.get('batch_size'), run.images_per_process
    if images is None or not batch or loader.get('drop_last', False):
        return
    if loader.get('num_batch_per_epoch') or images % batch != 1 % batch:
        return
    model = run.model
    for key in ('neck', 'head'):
        kind = _vector_batch_norm(model.get(key))
        if kind:
            raise Disagreement(
                f'model.{key} normalises over the batch ({kind}), but '
                f'{len(run.dataset("train"))} images in batches of {batch} '
                f'(train_dataloader.batch_size, {run.processes} process(es)) '
                'leave a last batch of one image, which has no variance. Set '
                'train_dataloader.drop_last=True or another batch_size.'
            )


def _say_single_validation(run: Run) -> None:
    """Say that the end alone is validated, which mmengine does anyway."""
    interval = run.section('train_cfg').get('val_interval')
    length = run.length(run.by_epoch)
    if 'val' not in run.phases or interval is None or length is None:
        return
    if interval > length:
        unit = 'epochs' if run.by_epoch else 'iterations'
        run.notes.append(
            f'train_cfg.val_interval={interval}, but the run has {length} '
            f'{unit}: it is validated only at the end.'
        )


def _beginnings(run: Run) -> Iterator[tuple[str, int, bool]]:
    """Key, value and unit (whether epochs) of what begins later."""
    loop = run.section('train_cfg')
    if 'val' in run.phases:
        yield 'train_cfg.val_begin', loop.get('val_begin', 1), run.by_epoch
        for index, pair in enumerate(loop.get('dynamic_intervals') or ()):
            key = f'train_cfg.dynamic_intervals.{index}'
            yield key, pair[0], run.by_epoch
    for index, hook in enumerate(run.cfg.get('custom_hooks') or ()):
        for name, by_epoch in (
            ('begin_epoch', True),
            ('begin_iter', False),
            ('switch_epoch', True),
        ):
            if isinstance(hook.get(name), int):
                yield f'custom_hooks.{index}.{name}', hook[name], by_epoch
        for place, step in enumerate(hook.get('schedule') or ()):
            if isinstance(step, Mapping) and 'action_epoch' in step:
                key = f'custom_hooks.{index}.schedule.{place}.action_epoch'
                yield key, step['action_epoch'], True


def _vector_batch_norm(part: object) -> str:
    """What normalises vectors, one per image, over the batch; '' if none.

    The batch norm of a backbone or of a detector sees the pixels of a map.
    """
    if isinstance(part, list | tuple):
        return next(filter(None, map(_vector_batch_norm, part)), '')
    if not isinstance(part, Mapping):
        return ''
    kind = type_name(part.get('type', ''))
    if kind in ('BN1d', 'BatchNorm1d', 'ClsBatchNormNeck'):
        return kind
    # These have one unless told otherwise.
    if kind in ('LinearNeck', 'NonLinearNeck', 'SwAVNeck'):
        norm = part.get('norm_cfg', dict(type='BN'))
        # SyncBN sees the images of all processes.
        kinds = ('BN', 'BN1d', 'BatchNorm1d', 'BatchNorm2d')
        if type_name((norm or {}).get('type')) in kinds:
            return kind
    return next(filter(None, map(_vector_batch_norm, part.values())), '')
