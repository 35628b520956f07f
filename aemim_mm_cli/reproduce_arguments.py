# Copyright (c) aemim_mm contributors. All rights reserved.
"""The command line of ``tools/reproduce.py``."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import yaml

from .choices import PRESETS
from .places import PACKAGE
from .user_errors import add_traceback_option

# The paper's tables and figures, in its order.
TABLES = tuple(
    yaml.safe_load((PACKAGE / 'reproduction' / 'paper.yaml').read_text())
)
STUDY = 'study'


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        description='Reproduce tables and figures of the AEMIM paper, one '
        'command each. Every row is pre-trained, fine-tuned and evaluated. '
        'Each run and seed has its own folder. The tables are written in the '
        "paper's layout. To continue after an interruption, run the same "
        'command again: a step is skipped if its result was made from the '
        'same command, configs and weights.',
    )
    parser.add_argument(
        'tables',
        nargs='*',
        metavar='TABLE',
        help=f'some of {", ".join(TABLES)}, or all; or {STUDY} alone: what '
        'AEMIM does on Fashion-MNIST, with seeds and intervals',
    )
    parser.add_argument(
        '--rows',
        nargs='+',
        default=[],
        metavar='NAME',
        help='some rows, by a part of their names or of their runs (* stands '
        'for anything). Defaults to all.',
    )
    parser.add_argument(
        '--preset',
        choices=PRESETS,
        default='imagenet',
        help='imagenet: the scale of the paper. fashion-mnist: Tables 4, 5, '
        '6, 8, 9 and the figures, for a CPU. smoke: a few images each, only '
        'to show that it runs. Defaults to %(default)s.',
    )
    parser.add_argument(
        '--seeds',
        nargs='+',
        type=int,
        help='each row is run once with each seed. Defaults to 0, and for '
        'the study to all its seeds.',
    )
    parser.add_argument(
        '--gpus',
        type=int,
        help='number of GPUs for each command, on this machine; the total '
        'batch of the recipe is kept. Defaults to 8 for imagenet, else 1.',
    )
    parser.add_argument(
        '--jobs',
        type=int,
        default=1,
        help='number of rows to run at once, useful on a CPU. Defaults to '
        '%(default)s.',
    )
    parser.add_argument(
        '--redo',
        action='store_true',
        help='delete training runs in OUT that were made from another config '
        'or other weights, and run them again',
    )
    parser.add_argument(
        '--missing',
        action='store_true',
        help='for the study: only rows and seeds without results in the '
        'repository',
    )
    parser.add_argument(
        '--out',
        type=Path,
        help='folder of all results. The report of the study needs none: it '
        'is made from the results in the repository.',
    )
    action = parser.add_mutually_exclusive_group()
    action.add_argument(
        '--list',
        action='store_true',
        help='print every row with its published values and its configs',
    )
    action.add_argument(
        '--dry-run',
        action='store_true',
        help='print the commands in their order without running them, for '
        'example to run them on a cluster',
    )
    action.add_argument(
        '--report',
        action='store_true',
        help='run nothing: write report.md, tables.json and the pictures from '
        'what is in OUT',
    )
    add_traceback_option(parser)
    return parser


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; that of the process if ``argv`` is None."""
    parser = build_parser()
    args = parser.parse_args(argv)
    args.study = args.tables == [STUDY]
    if args.study:
        args.tables = []
    elif 'all' in args.tables or (
        not args.tables and (args.list or args.report)
    ):
        args.tables = list(TABLES)
    unknown = [name for name in args.tables if name not in TABLES]
    if not args.study and (unknown or not args.tables):
        what = f'unknown: {", ".join(unknown)}' if unknown else 'name a TABLE'
        parser.error(
            f'{what}. There are {", ".join(TABLES)}, and all; '
            f'and {STUDY}, which stands alone.'
        )
    if args.out is None and not (args.list or (args.study and args.report)):
        parser.error('--out DIR: name a folder for the results')
    for name in ('gpus', 'jobs'):
        if getattr(args, name) is not None and getattr(args, name) < 1:
            parser.error(f'--{name} must be at least 1')
    if args.seeds is None and not args.study:
        args.seeds = [0]
    seeds = args.seeds or [0]
    if len(set(seeds)) < len(seeds) or min(seeds) < 0:
        parser.error(f'--seeds {args.seeds}: different numbers from 0 on')
    if args.out is not None:
        args.out = args.out.resolve()
    return args
