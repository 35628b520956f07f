# Copyright (c) aemim_mm contributors. All rights reserved.
"""Measure the host's time for a training step, relative to stock MAE.

Runs full steps (forward, attack, backward, optimizer) of MAE and AEMIM with
all layers of ViT-S/16 on 4 images of 64 x 64, on one thread. There are so few
channels that almost all the time is spent on launching operations. The models
take turns, so that other load on the machine affects all of them. Prints
milliseconds per step and the ratio to the step of mmpretrain's own MAE.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

# A checkout works without installation.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aemim_mm_cli.quiet import be_quiet  # noqa: E402
from aemim_mm_cli.user_errors import add_traceback_option, run_main  # noqa: E402
from benchmarks.command_line import (  # noqa: E402
    above,
    add_json_option,
)
from benchmarks.host_models import MODELS  # noqa: E402


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--rounds',
        type=above(0),
        default=50,
        metavar='N',
        help='measured steps of each model, of which the median is used '
        '(default: %(default)s)',
    )
    parser.add_argument(
        '--warmup',
        type=above(0),
        default=5,
        metavar='N',
        help='steps before them that are not measured (default: %(default)s)',
    )
    parser.add_argument(
        '--profile',
        choices=MODELS,
        metavar='MODEL',
        help='instead show the time of each Python function in the steps of '
        f'one model: {", ".join(map(repr, MODELS))}',
    )
    add_json_option(parser)
    add_traceback_option(parser)
    args = parser.parse_args(argv)
    if args.profile and args.json:
        parser.error('--profile measures nothing for --json: leave one out')
    return args


if __name__ == '__main__':
    # Help and mistakes are answered before torch is imported.
    parse_args()
    be_quiet()

from aemim_mm.utils.markdown import markdown  # noqa: E402
from aemim_mm.utils.storage import check_writable  # noqa: E402
from benchmarks.host_time import (  # noqa: E402
    HEADER,
    measure_host,
    profile_host,
)
from benchmarks.process import (  # noqa: E402
    machine,
    progress_bar,
    set_up,
    write_json,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Returns:
        int: 0.
    """
    args = parse_args(argv)
    if args.json is not None:
        check_writable(args.json)
    set_up(threads=1)
    if args.profile:
        print(profile_host(args.profile, args.warmup))
        return 0
    with progress_bar(len(MODELS) * (args.rounds + args.warmup)) as bar:
        rows = measure_host(args.rounds, args.warmup, bar.update)
    print(
        f'\nmedians of {args.rounds} steps; {machine()}\n\n'
        f'{markdown(HEADER, [row.cells() for row in rows])}'
    )
    content = dict(
        machine=machine(),
        settings=dict(rounds=args.rounds, warmup=args.warmup),
        rows=[asdict(row) for row in rows],
    )
    write_json(args.json, content)
    return 0


if __name__ == '__main__':
    run_main(main)
