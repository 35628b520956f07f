# Copyright (c) aemim_mm contributors. All rights reserved.
"""What the host has to do for a training step, relative to stock MAE.

Runs full steps (forward, attack, backward, optimizer) of MAE and AEMIM with
all layers of ViT-S/16 on 4 images of 64 x 64, with so few channels that only
starting the operations takes time, on one thread. The models take turns, so
that whatever slows the machine down hits all of them. Prints milliseconds per
step and the ratio to the step of mmpretrain's own MAE.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from mmengine.logging import MMLogger

# A checkout works without installation.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aemim_mm.utils.markdown import markdown  # noqa: E402
from aemim_mm.utils.storage import AtomicLocalBackend  # noqa: E402
from benchmarks.cost.process import machine, require_positive  # noqa: E402
from benchmarks.cost.progress import Progress  # noqa: E402
from benchmarks.host_time import (  # noqa: E402
    HEADER,
    MODELS,
    measure_host,
    profile_host,
)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--rounds',
        type=int,
        default=50,
        metavar='N',
        help='steps of each model that count, by their median (default: '
        '%(default)s)',
    )
    parser.add_argument(
        '--warmup',
        type=int,
        default=5,
        metavar='N',
        help='steps before them that do not (default: %(default)s)',
    )
    parser.add_argument(
        '--profile',
        choices=MODELS,
        metavar='MODEL',
        help='instead show which Python functions the steps of one model '
        f'spend their time in: {", ".join(map(repr, MODELS))}',
    )
    parser.add_argument(
        '--json',
        metavar='FILE',
        help='also write everything that was measured',
    )
    args = parser.parse_args(argv)
    require_positive(parser, args, 'rounds', 'warmup')
    if args.profile and args.json:
        parser.error('--profile measures nothing for --json: leave one out')
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Returns:
        int: 0.
    """
    args = parse_args(argv)
    # mmengine logs every parameter's learning rate.
    MMLogger.get_instance('benchmark', log_level='WARNING')
    torch.set_num_threads(1)
    if args.profile:
        print(profile_host(args.profile, args.warmup))
        return 0
    progress = Progress(len(MODELS) * (args.rounds + args.warmup))
    rows = measure_host(args.rounds, args.warmup, progress.tick)
    print(
        f'\nmedians of {args.rounds} steps; {machine()}\n\n'
        f'{markdown(HEADER, [row.cells() for row in rows])}'
    )
    if args.json is not None:
        content = dict(
            machine=machine(),
            settings=dict(rounds=args.rounds, warmup=args.warmup),
            rows=[asdict(row) for row in rows],
        )
        text = json.dumps(content, indent=2)
        AtomicLocalBackend().put_text(f'{text}\n', args.json)
    return 0


if __name__ == '__main__':
    sys.exit(main())
