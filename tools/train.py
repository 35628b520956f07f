# Copyright (c) aemim_mm contributors. All rights reserved.
"""Train a model: pre-training, fine-tuning, detection."""

import argparse
import atexit
import os
import sys
from collections.abc import Sequence
from pathlib import Path

# A checkout works without installation.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aemim_mm_cli.cfg_options import CfgOptions  # noqa: E402
from aemim_mm_cli.interruption import (  # noqa: E402
    catch_signals,
    leave_signals,
)
from aemim_mm_cli.places import config_path  # noqa: E402
from aemim_mm_cli.quiet import be_quiet  # noqa: E402
from aemim_mm_cli.user_errors import (  # noqa: E402
    add_traceback_option,
    user_errors,
)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv (Sequence[str], optional): Arguments. None means those of the
            process. Defaults to None.

    Returns:
        argparse.Namespace: The options.
    """
    parser = argparse.ArgumentParser(description='Train a model')
    parser.add_argument(
        'config', type=config_path, help='path or name of the recipe'
    )
    parser.add_argument(
        '--check',
        action='store_true',
        help='check whether the run can start, print the recipe and its '
        'length, and exit',
    )
    parser.add_argument('--work-dir', help='directory of logs and checkpoints')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='resume from this checkpoint; without a value, from the latest '
        'checkpoint of the work directory if it has one, else start as the '
        'config says',
    )
    parser.add_argument(
        '--new-schedule',
        action='store_true',
        help='with --resume: use learning rates and all settings of the '
        'optimizer from the config instead of the checkpoint, advanced to '
        'the current iteration; for example, to train longer',
    )
    parser.add_argument(
        '--overwrite',
        action='store_true',
        help='start a new run in a work directory that holds checkpoints of '
        'another one, and delete these',
    )
    parser.add_argument(
        '--amp',
        action='store_true',
        help='train with automatic mixed precision (ignored, with a warning, '
        'without an accelerator)',
    )
    parser.add_argument(
        '--no-validate',
        action='store_true',
        help='do not evaluate during training',
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate by (batch size x processes) / '
        'auto_scale_lr.base_batch_size',
    )
    parser.add_argument(
        '--no-pin-memory',
        action='store_true',
        help='switch pin_memory off in all data loaders',
    )
    parser.add_argument(
        '--no-persistent-workers',
        action='store_true',
        help='switch persistent_workers off in all data loaders. It is off '
        'by default in train_dataloader of epoch-based training, where the '
        'workers are seeded for each epoch (worker_init_fn seed_worker), so '
        'that a resumed run repeats an uninterrupted one',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=CfgOptions,
        metavar='KEY=VALUE',
        help='override values of the config, for example model.adv_ratio=0.25 '
        'or key="[(a,b),(c,d)]"; a value may contain spaces',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='how the processes of a distributed run were started',
    )
    add_traceback_option(parser)
    # torch's launchers pass either spelling.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args(argv)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


if __name__ == '__main__':
    # Help and mistakes are answered before torch is imported.
    parse_args()
    be_quiet()
    catch_signals('Interrupted before training began.')
    atexit.register(leave_signals)

from mmengine.config import Config  # noqa: E402
from mmengine.logging import print_log  # noqa: E402

import aemim_mm  # noqa: E402, F401
from aemim_mm.agreement import Run, check_agreement  # noqa: E402
from aemim_mm.agreement.origin import (  # noqa: E402
    delete_outdated,
    delete_overwritten,
)
from aemim_mm.agreement.resumed import is_finished  # noqa: E402
from aemim_mm.agreement.settings import counts_epochs  # noqa: E402
from aemim_mm.checkpoints import use_safe_loader  # noqa: E402
from aemim_mm.config_check import check_config, check_nesting  # noqa: E402
from aemim_mm.hooks import NewScheduleHook  # noqa: E402
from aemim_mm.launcher import (  # noqa: E402
    launch,
    run_options,
)
from aemim_mm.launcher.begin_hook import BeginHook  # noqa: E402
from aemim_mm.launcher.interruptions import Interruptions  # noqa: E402
from aemim_mm.launcher.last_validation import (  # noqa: E402
    LastValidationHook,
    lacks_validation,
)
from aemim_mm.launcher.shortcuts import expand_shortcuts  # noqa: E402
from aemim_mm.launcher.weights_check import check_weights  # noqa: E402
from aemim_mm.utils.read_config import (  # noqa: E402
    merge_options,
    read_config,
)


def merge_args(cfg: Config, args: argparse.Namespace) -> Config:
    """Bring the command line into the config.

    Args:
        cfg (Config): The config of the file. Changed in place.
        args (argparse.Namespace): The options.

    Returns:
        Config: The same config.

    Raises:
        ValueError: If an option asks for what the config does not have.
    """
    cfg.launcher = args.launcher
    run_options.set_work_dir(cfg, args.config, args.work_dir, args.cfg_options)
    if args.amp:
        if cfg.get('optim_wrapper', None) is None:
            raise ValueError(f'--amp: {args.config} has no optim_wrapper.')
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    if args.auto_scale_lr:
        if not (cfg.get('auto_scale_lr', None) or {}).get('base_batch_size'):
            raise ValueError(
                f'--auto-scale-lr: {args.config} has no '
                'auto_scale_lr.base_batch_size. Set it to the batch size '
                'that optim_wrapper.optimizer.lr was written for.'
            )
        cfg.auto_scale_lr.enable = True
    if args.cfg_options is not None:
        cfg.merge_from_dict(args.cfg_options)
    # After the options, which may name these sections, too.
    if args.no_validate:
        cfg.val_cfg = None
        cfg.val_dataloader = None
        cfg.val_evaluator = None
    merge_dataloader_args(cfg, args)
    return cfg


def merge_dataloader_args(cfg: Config, args: argparse.Namespace) -> None:
    """Set the defaults of the data loaders and the options on top.

    Args:
        cfg (Config): The config. Changed in place.
        args (argparse.Namespace): The options.
    """
    by_epoch = counts_epochs(cfg.get('train_cfg', None) or {})
    for name in launch.DATALOADERS:
        defaults = dict(persistent_workers=True)
        loader = cfg.get(name, None)
        # Iteration-based training has one epoch without end, which may begin
        # before EpochSeedHook: without seeds by rank all ranks would be alike.
        seeded = by_epoch or (cfg.get('randomness', None) or {}).get(
            'diff_rank_seed', False
        )
        if name == 'train_dataloader' and seeded and loader is not None:
            defaults = dict(
                persistent_workers=not by_epoch,
                worker_init_fn=dict(type='seed_worker'),
            )
            # mmengine takes this key away for its own worker_init_fn only.
            silent = loader.pop('disable_subprocess_warning', None)
            if silent is not None:
                defaults['worker_init_fn'].update(
                    disable_subprocess_warning=silent
                )
        run_options.set_dataloader_defaults(
            cfg, name, no_pin_memory=args.no_pin_memory, **defaults
        )
        loader = cfg.get(name, None)
        # torch refuses persistent workers where there are none.
        if loader is not None and (
            args.no_persistent_workers or not loader.get('num_workers', 0)
        ):
            loader['persistent_workers'] = False


def prepare(argv: Sequence[str] | None = None) -> tuple[Run, str]:
    """Read the command line and make sure that the run can start.

    Nothing is written. An error of the user's ends the process with one
    message and exit code 2.

    Args:
        argv (Sequence[str], optional): Arguments. None means those of the
            process. Defaults to None.

    Returns:
        tuple[Run, str]: The run, and one sentence on where it starts.

    Raises:
        SystemExit: With code 2, if it cannot start.
    """
    args = parse_args(argv)
    with user_errors(args.traceback):
        cfg = read_config(args.config)
        args.cfg_options = expand_shortcuts(cfg, args.cfg_options)
        merge_options(cfg, args.cfg_options)
        check_nesting(cfg)
        cfg = merge_args(cfg, args)
        own_resume = cfg.get('resume', False)
        load_from = None if own_resume else cfg.get('load_from', None) or ''
        start = run_options.set_start(cfg, args.resume)
        if args.new_schedule and args.resume is None and not own_resume:
            raise ValueError('--new-schedule: pass --resume, too.')
        run_options.replace_empty_schedulers(cfg)
        run_options.add_training_defaults(cfg)
        check_config(cfg, phases=('train', 'val'))
        if cfg.get('load_from', None):
            option = '--resume' if cfg.get('resume', False) else 'load_from'
            run_options.check_checkpoint(option, cfg.load_from)
        run = Run(
            cfg,
            phases=('train', 'val'),
            new_schedule=args.new_schedule,
            overwrite=args.overwrite,
            load_from=load_from,
        )
        check_agreement(run)
    return run, start


def print_check(run: Run, start: str) -> None:
    """Say what would be run.

    Args:
        run (Run): The run.
        start (str): Where it starts.
    """
    print(run.cfg.pretty_text)
    length, of_epoch = run.length(by_epoch=False), run.iterations_per_epoch
    text = f'{length or "an unknown number of"} iterations'
    if run.by_epoch:
        text += (
            f': {run.length(by_epoch=True)} epochs of {of_epoch or "unknown"}'
        )
    batch = run.section('train_dataloader').get('batch_size')
    print(
        f'This run can start. {text}, {run.processes} process(es) with '
        f'{batch} images each, in {run.cfg.work_dir}. {start}'
    )
    for note in run.notes:
        print(f'warning: {note}')


def main() -> None:
    """Run the tool."""
    with Interruptions() as interruptions:
        train(interruptions)


def train(interruptions: Interruptions) -> None:
    """Do what the command line asks for.

    Args:
        interruptions (Interruptions): Learns where the run's checkpoints are.
    """
    use_safe_loader()
    run, start = prepare()
    args = parse_args()
    if args.check:
        with user_errors(args.traceback, Exception):
            check_weights(run.cfg)
        print_check(run, start)
        return
    finished = is_finished(run)
    with user_errors(args.traceback):
        validates = finished and lacks_validation(run)
    if finished and not validates:
        delete_outdated(run)
        print_log(f'{start} It is finished: nothing is left to do.')
        return

    def begin_run() -> None:
        delete_overwritten(run)
        # Until then a checkpoint there is of another run.
        interruptions.work_dir = run.cfg.work_dir

    begin = BeginHook(begin_run)
    with user_errors(args.traceback, Exception, until=begin.is_done):
        launch.adapt_to_hardware(run.cfg)
        runner = run_options.build_runner(run.cfg, run.data)
        print_log(start, logger='current')
        run.print_notes()
        if run.new_schedule and run.resumes_from is not None:
            hook = NewScheduleHook()
            runner.register_hook(hook, hook.priority)
        runner.register_hook(begin, begin.priority)
        if finished:
            last = LastValidationHook()
            runner.register_hook(last, last.priority)
            interruptions.work_dir, begin.done = run.cfg.work_dir, True
        runner.train()
    launch.shut_down()


if __name__ == '__main__':
    main()
