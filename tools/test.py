# Copyright (c) aemim_mm contributors. All rights reserved.
"""Test a model and report its metrics."""

import argparse
import os
import sys
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

# A checkout works without installation.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aemim_mm_cli.cfg_options import CfgOptions  # noqa: E402
from aemim_mm_cli.places import config_path  # noqa: E402
from aemim_mm_cli.quiet import be_quiet  # noqa: E402
from aemim_mm_cli.user_errors import (  # noqa: E402
    add_traceback_option,
    run_main,
    user_errors,
)

# What mmengine writes, by the value of --out-item.
SUFFIXES = {
    'pred': ('.pkl', '.pickle'),
    'metrics': ('.json', '.yaml', '.yml', '.pkl', '.pickle'),
}


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv (Sequence[str], optional): Arguments. None means those of the
            process. Defaults to None.

    Returns:
        argparse.Namespace: The options.
    """
    parser = argparse.ArgumentParser(description='Test a model')
    parser.add_argument(
        'config', type=config_path, help='path or name of the recipe'
    )
    parser.add_argument('checkpoint', help='path or URL of the checkpoint')
    parser.add_argument('--work-dir', help='directory of the logs')
    parser.add_argument(
        '--out',
        help='file for the predictions (.pkl), or with --out-item metrics '
        'for the metrics (.json, .yaml or .pkl)',
    )
    parser.add_argument(
        '--out-item',
        choices=['metrics', 'pred'],
        help='what to write to --out. Defaults to pred, the predictions',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=CfgOptions,
        metavar='KEY=VALUE',
        help='override values of the config, for example '
        'test_dataloader.batch_size=32 or key="[(a,b),(c,d)]"; a value may '
        'contain spaces',
    )
    parser.add_argument(
        '--amp',
        action='store_true',
        help='test with automatic mixed precision (ignored, with a warning, '
        'without an accelerator)',
    )
    parser.add_argument(
        '--show-dir', help='directory for pictures of the predictions'
    )
    parser.add_argument(
        '--show', action='store_true', help='show predictions in a window'
    )
    parser.add_argument(
        '--interval',
        type=int,
        default=1,
        help='draw every INTERVAL-th sample (with --show or --show-dir; '
        'mmdet draws all)',
    )
    parser.add_argument(
        '--wait-time',
        type=float,
        default=2,
        help='seconds for which a window is shown (with --show)',
    )
    parser.add_argument(
        '--no-pin-memory',
        action='store_true',
        help='switch pin_memory off in the data loader',
    )
    parser.add_argument(
        '--tta',
        action='store_true',
        help='test-time augmentation: tta_model and tta_pipeline of the '
        'config, else the average over the image and its flip',
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
    if args.out is None and args.out_item is not None:
        parser.error('--out-item needs --out')
    item = args.out_item or 'pred'
    if args.out is not None and not args.out.endswith(SUFFIXES[item]):
        parser.error(
            f'--out {args.out}: --out-item {item} needs a name that ends in '
            + ', '.join(SUFFIXES[item])
            + ('' if item == 'metrics' else ' (or choose --out-item metrics)')
        )
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


if __name__ == '__main__':
    # Help and mistakes are answered before torch is imported.
    parse_args()
    be_quiet()

import mmengine  # noqa: E402
from mmengine.config import Config, ConfigDict  # noqa: E402
from mmengine.dist import is_main_process  # noqa: E402
from mmengine.evaluator import DumpResults  # noqa: E402

import aemim_mm  # noqa: E402, F401
from aemim_mm.agreement import Run, check_agreement  # noqa: E402
from aemim_mm.checkpoints import use_safe_loader  # noqa: E402
from aemim_mm.config_check import check_config, check_nesting  # noqa: E402
from aemim_mm.launcher import (  # noqa: E402
    launch,
    run_options,
)
from aemim_mm.launcher.shortcuts import expand_shortcuts  # noqa: E402
from aemim_mm.utils import type_name  # noqa: E402
from aemim_mm.utils.read_config import (  # noqa: E402
    merge_options,
    read_config,
)
from aemim_mm.utils.storage import check_writable  # noqa: E402

# The keys that switch a hook on and name its folder.
DRAWING_HOOKS = {
    'VisualizationHook': ('enable', 'out_dir'),
    'DetVisualizationHook': ('draw', 'test_out_dir'),
}


def merge_args(cfg: Config, args: argparse.Namespace) -> Config:
    """Bring the command line into the config.

    Args:
        cfg (Config): The config of the file. Changed in place.
        args (argparse.Namespace): The options.

    Returns:
        Config: The same config.

    Raises:
        ValueError: If the config has no test part, or not what an option
            asks for.
    """
    for name in ('test_dataloader', 'test_cfg', 'test_evaluator'):
        # The evaluators of pre-training are an empty list.
        if cfg.get(name, None) in (None, []):
            raise ValueError(
                f'{args.config} has no {name}: there is nothing to test.'
            )
    cfg.launcher = args.launcher
    run_options.set_work_dir(cfg, args.config, args.work_dir)
    cfg.load_from = args.checkpoint
    cfg.resume = False
    if args.amp:
        cfg.test_cfg.fp16 = True
    if args.show or args.show_dir is not None:
        set_visualization(cfg, args)
    run_options.set_dataloader_defaults(
        cfg, 'test_dataloader', no_pin_memory=args.no_pin_memory
    )
    if args.cfg_options is not None:
        cfg.merge_from_dict(args.cfg_options)
    # After the options, which name the model that it wraps.
    if args.tta:
        set_tta(cfg)
    return cfg


def set_visualization(cfg: Config, args: argparse.Namespace) -> None:
    """Switch the hook on that draws predictions.

    That of mmdet draws every sample of a test, whatever the interval.

    Args:
        cfg (Config): The config. Changed in place.
        args (argparse.Namespace): The options.

    Raises:
        ValueError: If the config has no hook that these options fit.
    """
    hook = (cfg.get('default_hooks', None) or {}).get('visualization', None)
    kind = None if hook is None else type_name(hook.get('type', None))
    if kind not in DRAWING_HOOKS:
        raise ValueError(
            '--show and --show-dir need default_hooks.visualization of type '
            f'{" or ".join(DRAWING_HOOKS)} in the config, but it is {hook}. '
            'For another hook, set its keys with --cfg-options.'
        )
    switch, folder = DRAWING_HOOKS[kind]
    hook[switch] = True
    hook.show = args.show
    hook.wait_time = args.wait_time
    hook[folder] = args.show_dir
    if args.show_dir is not None and kind == 'DetVisualizationHook':
        # It joins a relative path to the work directory for every sample.
        hook[folder] = os.path.abspath(args.show_dir)
    hook.interval = args.interval


def set_tta(cfg: Config) -> None:
    """Wrap the model for test-time augmentation.

    Args:
        cfg (Config): The config. Changed in place.

    Raises:
        ValueError: If the config has no ``tta_model`` and is none of
            mmpretrain, whose default averages the scores of classes.
    """
    dataset = cfg.test_dataloader.dataset
    if 'tta_model' not in cfg:
        scope = cfg.get('default_scope', 'mmpretrain')
        if scope != 'mmpretrain':
            raise ValueError(
                '--tta averages class scores by default, which default_scope='
                f"'{scope}' has none of: set tta_model and tta_pipeline in "
                'the config'
            )
        cfg.tta_model = dict(type='mmpretrain.AverageClsScoreTTA')
    if 'tta_pipeline' not in cfg:
        pipeline = deepcopy(dataset.pipeline)
        flips = [dict(type='RandomFlip', prob=prob) for prob in (1.0, 0.0)]
        pipeline[-1] = dict(
            type='TestTimeAug', transforms=[flips, [pipeline[-1]]]
        )
        cfg.tta_pipeline = pipeline
    cfg.model = ConfigDict(**cfg.tta_model, module=cfg.model)
    dataset.pipeline = cfg.tta_pipeline


def prepare(
    argv: Sequence[str] | None = None,
) -> tuple[Run, argparse.Namespace]:
    """Read the command line and make sure that the test can start.

    Nothing is written. An error of the user's ends the process with one
    message and exit code 2.

    Args:
        argv (Sequence[str], optional): Arguments. None means those of the
            process. Defaults to None.

    Returns:
        tuple[Run, argparse.Namespace]: The run and the options.

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
        if args.out is not None:
            check_writable(args.out)
        check_config(cfg, phases=('test',))
        run_options.check_checkpoint('checkpoint', cfg.load_from)
        run = Run(cfg, phases=('test',))
        check_agreement(run)
    return run, args


def main() -> None:
    """Run the tool."""
    use_safe_loader()
    run, args = prepare()
    with user_errors(args.traceback, Exception):
        launch.adapt_to_hardware(run.cfg)
        runner = run_options.build_runner(run.cfg, run.data)
        run.print_notes()
        if args.out and args.out_item != 'metrics':
            runner.test_evaluator.metrics.append(
                DumpResults(out_file_path=args.out)
            )
        metrics = runner.test()
        if args.out and args.out_item == 'metrics' and is_main_process():
            mmengine.dump(metrics, args.out)
    launch.shut_down()


if __name__ == '__main__':
    run_main(main)
