# Copyright (c) aemim_mm contributors. All rights reserved.
"""What the command lines of ``tools/train.py`` and ``tools/test.py`` share."""

import os
import os.path as osp
from collections.abc import Mapping
from pathlib import Path

from mmengine.config import Config, ConfigDict
from mmengine.registry import RUNNERS
from mmengine.runner import Runner, find_latest_checkpoint

from aemim_mm_cli.quiet import is_news

from ..agreement.settings import counts_epochs
from ..utils import type_name
from .work_dir_name import suffix

# mmengine's own pattern, and what AEMIM logs besides losses.
MEAN_PATTERN = r'.*(loss|time|data_time|grad_norm|recon|distance).*'
DEFAULT_HOOKS = (
    'EpochSeedHook',
    'RecipeInfoHook',
    'RunOriginHook',
    'InterruptHook',
)


def set_work_dir(
    cfg: Config,
    config_path: str,
    work_dir: str | None = None,
    options: Mapping[str, object] | None = None,
) -> None:
    """Choose the work directory: option, else config, else config's name.

    ``options``, of ``--cfg-options``, say in that name what makes the run
    another one than that of the file.
    """
    if work_dir is not None:
        cfg.work_dir = work_dir
    elif cfg.get('work_dir', None) is None:
        name = osp.splitext(osp.basename(config_path))[0]
        cfg.work_dir = osp.join('./work_dirs', name + suffix(options or {}))


def set_dataloader_defaults(
    cfg: Config, name: str, no_pin_memory: bool = False, **defaults: object
) -> None:
    """Fill in what the config of a data loader, by its name, leaves out.

    A loader that is None or absent stays so. ``no_pin_memory`` switches
    ``pin_memory`` off whatever the config says; ``defaults`` are further
    values for keys that it does not set.
    """
    if cfg.get(name, None) is None:
        return
    loader = ConfigDict(pin_memory=True, **defaults)
    if cfg.get('default_scope', None) == 'mmpretrain':
        # mmpretrain's models take stacked images; mmdet's take lists, which
        # is what mmengine's own default gives.
        loader['collate_fn'] = dict(type='default_collate')
    loader.update(cfg[name])
    # A base of another library (`_base_ = 'mmpretrain::...'`) leaves its scope
    # in every dict with a type; mmengine would hand it to these functions.
    for function in ('collate_fn', 'worker_init_fn'):
        if isinstance(loader.get(function), dict):
            loader[function].pop('_scope_', None)
    if no_pin_memory:
        loader['pin_memory'] = False
    cfg[name] = loader


def add_training_defaults(cfg: Config) -> None:
    """Give a stock config what the shipped ones have in their base.

    The recipe in the log, seeding per epoch, what the run started from in its
    checkpoints, a scheduler's signal that saves and stops, and what AEMIM logs
    smoothed like losses. Means are taken over the interval of the LoggerHook:
    mmengine's own window is 10 iterations whatever the interval. The log
    counts what the loop counts, epochs or iterations. What the config sets
    itself is left alone.
    """
    hooks = list(cfg.get('custom_hooks', None) or [])
    present = {type_name(hook.get('type')) for hook in hooks}
    for name in DEFAULT_HOOKS:
        if name not in present:
            # With the scope, for configs of mmdet.
            hooks.append(ConfigDict(type=f'mmpretrain.{name}'))
    cfg.custom_hooks = hooks
    processor = cfg.get('log_processor', None) or {}
    if type_name(processor.get('type', 'LogProcessor')) == 'LogProcessor':
        logger = (cfg.get('default_hooks', None) or {}).get('logger', None)
        # 10 is the LoggerHook's own default.
        interval = (logger or {}).get('interval', 10)
        cfg.log_processor = {
            'by_epoch': counts_epochs(cfg.get('train_cfg', None) or {}),
            'mean_pattern': MEAN_PATTERN,
            'window_size': interval,
            **processor,
        }


def replace_empty_schedulers(cfg: Config) -> None:
    """Put a factor of 1 in the place of schedulers that are meant to be empty.

    mmengine refuses a scheduler that ends where it begins. Meant to are a
    warm-up of length 0, and a cosine behind a warm-up as long as the run. The
    places of the others stay the same.
    """
    loop = cfg.get('train_cfg', None) or {}
    by_epoch = counts_epochs(loop)
    length = loop.get('max_epochs' if by_epoch else 'max_iters')
    section = cfg.get('param_scheduler', None)
    for index, scheduler in enumerate(
        section if isinstance(section, list) else ()
    ):
        if not isinstance(scheduler, Mapping):
            continue
        begin = scheduler.get('begin', 0)
        unit = scheduler.get('by_epoch', True)
        behind = unit == by_epoch and begin == length
        if scheduler.get('end') == begin and (begin == 0 or behind):
            section[index] = ConfigDict(
                type='ConstantLR', factor=1.0, by_epoch=unit, begin=0, end=1
            )


def set_start(cfg: Config, resume: str | None = None) -> str:
    """Settle whether the run goes on with an earlier one or starts anew.

    ``resume`` is the value of ``--resume``: a checkpoint, or ``'auto'`` for
    the latest one of the work directory, which may have been copied or moved,
    without which the run starts as the config says. The config's ``resume``
    and ``load_from`` are changed in place. Returns one sentence for the log.

    ValueError if the config has both ``resume=True`` and ``load_from``.
    FileNotFoundError if the latest checkpoint is named in the work directory
    but not there.
    """
    load_from = cfg.get('load_from', None)
    if resume is None and load_from and cfg.get('resume', False):
        raise ValueError(
            f'The config has resume=True and load_from="{load_from}": '
            'mmengine would resume the run of that file, including its '
            'epoch. To start a new run from its weights, pass '
            '--cfg-options resume=False. To continue that run, pass '
            f'--resume {load_from}.'
        )
    lacking = ''
    if resume == 'auto':
        latest = find_latest_checkpoint(cfg.work_dir)
        own = latest and Path(cfg.work_dir, Path(latest).name)
        if own and own.is_file() and own.resolve() != Path(latest).resolve():
            # The folder was copied or moved after it was named.
            resume = str(own)
        elif latest is not None:
            named_in = osp.join(cfg.work_dir, 'last_checkpoint')
            check_checkpoint(f'--resume ({named_in})', latest)
            cfg.resume = True
            cfg.load_from = None  # mmengine takes the latest by itself.
            return f'The run resumes from {latest}.'
        else:
            resume = _newest_checkpoint(cfg.work_dir)
        if resume is None:
            cfg.resume = False
            lacking = f' (--resume: {cfg.work_dir} holds no checkpoint)'
    if resume is not None:
        cfg.resume = True
        cfg.load_from = resume
        return f'The run resumes from {resume}.'
    if not lacking and cfg.get('resume', False):
        return 'The run resumes from the latest checkpoint, if there is one.'
    start = f'from the weights of {load_from}' if load_from else 'anew'
    return f'The run starts {start}{lacking}.'


def _newest_checkpoint(work_dir: str) -> str | None:
    """What a run wrote that was killed before it wrote ``last_checkpoint``."""
    found = [
        path
        for pattern in ('epoch_*.pth', 'iter_*.pth')
        for path in Path(work_dir).glob(pattern)
    ]
    newest = max(found, key=lambda path: path.stat().st_mtime, default=None)
    return None if newest is None else str(newest)


def check_checkpoint(option: str, path: str) -> None:
    """Make sure that a local checkpoint is there before any work is done.

    FileNotFoundError, which names the option, if not. ``~`` is expanded, URLs
    are left to the loader.
    """
    if '://' not in path and not osp.isfile(osp.expanduser(path)):
        raise FileNotFoundError(
            f'{option}: there is no checkpoint file at "{path}" (current '
            f'directory: {os.getcwd()}).'
        )


def build_runner(
    cfg: Config, datasets: Mapping[str, object] | None = None
) -> Runner:
    """Build the runner that the config asks for.

    It is mmengine's, or the one named by ``runner_type``. It takes
    ``datasets``, built already, by phase (``'train'``, ``'val'``, ``'test'``),
    in place of building its own.
    """
    runner = (
        RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
    )
    runner.logger.addFilter(is_news)
    for phase, dataset in (datasets or {}).items():
        # A runner keeps the config of a loader until the loader is needed, and
        # copies it then: a function is not copied.
        loader = getattr(runner, f'_{phase}_dataloader', None)
        if isinstance(loader, dict):
            loader['dataset'] = dict(type=lambda built=dataset: built)
    return runner
