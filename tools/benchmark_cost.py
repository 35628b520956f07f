# Copyright (c) aemim_mm contributors. All rights reserved.
"""What pre-training steps cost in time and memory, relative to a base.

Builds the models of the configs, gives them synthetic images and runs full
steps (forward, attack, backward, optimizer) in turn, so that whatever slows
the machine down hits all of them. Prints seconds and images per second, the
ratio to BASE, the least possible ratio of the passes alone, without the
optimizer (by counting the operations of the step's parts, and by timing
them), the share of the attack, and the peak memory, each model in a fresh
process; with --profile also the kinds of operations.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from mmengine.config import DictAction
from mmengine.logging import MMLogger

# A checkout works without installation.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aemim_mm.utils.markdown import markdown  # noqa: E402
from aemim_mm.utils.storage import AtomicLocalBackend  # noqa: E402
from benchmarks.cost import (  # noqa: E402
    PRECISIONS,
    Settings,
    measure,
)
from benchmarks.cost.process import (  # noqa: E402
    keep_memory,
    machine,
    require_positive,
)
from benchmarks.cost.profile import HEADER as KINDS  # noqa: E402
from benchmarks.cost.table import HEADER  # noqa: E402


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('base', metavar='BASE', help='config to compare with')
    parser.add_argument(
        'configs', nargs='*', metavar='CONFIG', help='configs to measure'
    )
    parser.add_argument(
        '--batch-size',
        type=int,
        default=32,
        metavar='N',
        help='images per step (default: %(default)s)',
    )
    parser.add_argument(
        '--iters',
        type=int,
        default=8,
        metavar='N',
        help='steps of each model that count, by their median (default: '
        '%(default)s)',
    )
    parser.add_argument(
        '--warmup',
        type=int,
        default=3,
        metavar='N',
        help='steps before them that do not: until they have all the memory '
        'they need, they wait for it (default: %(default)s)',
    )
    parser.add_argument(
        '--precision',
        choices=PRECISIONS,
        default='fp32',
        help='bf16 and fp16 by autocast; fp16 with a gradient scaler (default:'
        ' %(default)s)',
    )
    parser.add_argument(
        '--threads',
        type=int,
        metavar='N',
        help="threads of operations on the CPU (default: torch's own)",
    )
    parser.add_argument(
        '--compile',
        action='store_true',
        help='compile the blocks of all models, as CompileBlocksHook does',
    )
    parser.add_argument(
        '--channels-last',
        action='store_true',
        help='weights of convolutions as ChannelsLastHook lays them out',
    )
    parser.add_argument(
        '--profile',
        action='store_true',
        help='also show what kinds of operations the time goes to',
    )
    parser.add_argument(
        '--no-memory', action='store_true', help='leave peak memory out'
    )
    parser.add_argument(
        '--no-parts',
        action='store_true',
        help="leave out the times of a step's parts, and so the floor by "
        "times and the attack's share",
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='changes to all configs',
    )
    parser.add_argument(
        '--own-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='changes to all configs but BASE, such as '
        'model.sequential_backward=True',
    )
    parser.add_argument(
        '--json',
        metavar='FILE',
        help='also write everything that was measured',
    )
    args = parser.parse_args(argv)
    require_positive(parser, args, 'batch_size', 'iters', 'warmup')
    if args.compile and args.profile:
        parser.error(
            '--profile cannot tell the kinds of operations in compiled blocks '
            'apart: leave out --compile'
        )
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Returns:
        int: 0, or 1 if a config cannot be used.
    """
    args = parse_args(argv)
    # mmengine logs every parameter's learning rate.
    MMLogger.get_instance('benchmark', log_level='WARNING')
    if args.threads is not None:
        torch.set_num_threads(args.threads)
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
    try:
        rows = measure([args.base, *args.configs], settings)
    except (FileNotFoundError, KeyError, TypeError, ValueError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
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
            ['config', *KINDS], [[row.name, *row.kinds(base)] for row in rows]
        )
        print(f"In percent of the base's step, profiled:\n\n{table}")
    if args.json is not None:
        content = dict(
            machine=machine(),
            settings=asdict(settings),
            rows=[asdict(row) for row in rows],
        )
        text = json.dumps(content, indent=2)
        AtomicLocalBackend().put_text(f'{text}\n', args.json)
    return 0


if __name__ == '__main__':
    keep_memory()
    sys.exit(main())
