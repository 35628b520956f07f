# Copyright (c) aemim_mm contributors. All rights reserved.
"""Measure time and memory of pre-training steps, relative to a base.

Builds the models of the configs, gives them synthetic images and runs full
steps (forward, attack, backward, optimizer). The models take turns, so that
other load on the machine affects all of them. Prints seconds and images per
second, the ratio to BASE, the ratio of the whole runs (with the epochs of the
configs), the floor, the share of the attack, and the peak memory, each model
in a new process. The floor is the least possible ratio of the passes without
the optimizer, from the counted operations of the parts of a step and from
their times. With --profile, also prints the kinds of operations. Target
networks (BEiT's tokenizer) have random weights.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

# A checkout works without installation.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aemim_mm_cli.cfg_options import CfgOptions  # noqa: E402
from aemim_mm_cli.places import config_path  # noqa: E402
from aemim_mm_cli.quiet import be_quiet  # noqa: E402
from aemim_mm_cli.user_errors import add_traceback_option, run_main  # noqa: E402
from benchmarks.command_line import (  # noqa: E402
    above,
    add_json_option,
    add_trainee_options,
)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'base',
        type=config_path,
        metavar='BASE',
        help='config to compare with',
    )
    parser.add_argument(
        'configs',
        nargs='*',
        type=config_path,
        metavar='CONFIG',
        help='configs to measure',
    )
    parser.add_argument(
        '--batch-size',
        type=above(0),
        default=32,
        metavar='N',
        help='images per step (default: %(default)s)',
    )
    parser.add_argument(
        '--iters',
        type=above(0),
        default=8,
        metavar='N',
        help='measured steps of each model, of which the median is used '
        '(default: %(default)s)',
    )
    parser.add_argument(
        '--warmup',
        type=above(0),
        default=3,
        metavar='N',
        help='steps before them that are not measured, because the first '
        'steps wait for memory (default: %(default)s)',
    )
    add_trainee_options(parser)
    parser.add_argument(
        '--compile',
        action='store_true',
        help='compile the blocks of all models, as CompileBlocksHook does',
    )
    parser.add_argument(
        '--channels-last',
        action='store_true',
        help='channels_last weights of convolutions, as with ChannelsLastHook',
    )
    parser.add_argument(
        '--profile',
        action='store_true',
        help='also show the time of each kind of operation',
    )
    parser.add_argument(
        '--no-parts',
        action='store_true',
        help='do not measure the parts of a step, which are needed for the '
        'floor by times and the share of the attack',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=CfgOptions,
        metavar='KEY=VALUE',
        help='changes to all configs',
    )
    parser.add_argument(
        '--own-options',
        nargs='+',
        action=CfgOptions,
        metavar='KEY=VALUE',
        help='changes to all configs except BASE, such as '
        'model.sequential_backward=True',
    )
    add_json_option(parser)
    add_traceback_option(parser)
    args = parser.parse_args(argv)
    if args.compile and args.profile:
        parser.error(
            '--profile cannot tell the kinds of operations in compiled blocks '
            'apart: leave out --compile'
        )
    return args


if __name__ == '__main__':
    # Help and mistakes are answered before torch is imported.
    parse_args()
    be_quiet()

from aemim_mm.utils.markdown import markdown  # noqa: E402
from aemim_mm.utils.storage import check_writable  # noqa: E402
from benchmarks.cost.cost_row import HEADER  # noqa: E402
from benchmarks.cost.measurement import Settings, measure  # noqa: E402
from benchmarks.cost.profile import KIND_NAMES  # noqa: E402
from benchmarks.process import keep_memory, machine, set_up, write_json  # noqa: E402


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Returns:
        int: 0.

    Raises:
        OSError: If a file cannot be read or written.
        ValueError: If a config cannot be used.
    """
    args = parse_args(argv)
    if args.json is not None:
        check_writable(args.json)
    set_up(args.threads)
    settings = Settings(
        batch_size=args.batch_size,
        iters=args.iters,
        precision=args.precision,
        cfg_options=args.cfg_options or {},
        own_options=args.own_options or {},
        warmup=args.warmup,
        channels_last=args.channels_last,
        compiled=args.compile,
        memory=not args.no_memory,
        parts=not args.no_parts,
        profile=args.profile,
    )
    rows = measure([args.base, *args.configs], settings)
    table = markdown(
        ['config', *HEADER], [[row.name, *row.cells()] for row in rows]
    )
    print(
        f'\nbatch size {args.batch_size}, {args.precision}, medians of '
        f'{args.iters} steps; {machine()}\n\n{table}'
    )
    if args.profile:
        base = rows[0]
        table = markdown(
            ['config', *KIND_NAMES],
            [[row.name, *row.kinds(base)] for row in rows],
        )
        print(f"In percent of the base's step, profiled:\n\n{table}")
    content = dict(
        machine=machine(),
        settings=asdict(settings),
        rows=[asdict(row) for row in rows],
    )
    write_json(args.json, content)
    return 0


if __name__ == '__main__':
    keep_memory()
    run_main(main)
