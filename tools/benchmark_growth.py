# Copyright (c) aemim_mm contributors. All rights reserved.
"""Measure how the cost of AEMIM grows, and compare it with the cost model.

Changes one setting of CONFIG at a time (batch size, steps T and share alpha
of the attack, image size). Measures a full step and the peak memory of CONFIG
and of BASE at the same batch and image size. Prints the ratio and the floor
by counted operations. Both models take turns at every point. Each finished
point is printed at once and, with --json, written to the file.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

# A checkout works without installation.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

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
        'base', type=config_path, metavar='BASE', help='MAE with a ViT'
    )
    parser.add_argument(
        'config', type=config_path, metavar='CONFIG', help='AEMIM over it'
    )
    parser.add_argument(
        '--batch-size',
        type=above(0),
        default=16,
        metavar='N',
        help='where it is not varied (default: %(default)s)',
    )
    parser.add_argument(
        '--batch-sizes',
        type=above(0),
        nargs='*',
        default=[8, 16, 32],
        metavar='N',
    )
    parser.add_argument(
        '--num-steps', type=above(0), nargs='*', default=[1, 2, 3], metavar='T'
    )
    parser.add_argument(
        '--adv-ratios',
        type=above(0, float),
        nargs='*',
        default=[0.25, 0.5, 1.0],
        metavar='ALPHA',
    )
    parser.add_argument(
        '--image-sizes', type=above(0), nargs='*', default=[160, 224, 288]
    )
    parser.add_argument(
        '--iters',
        type=above(0),
        default=3,
        metavar='N',
        help='steps that count, of each point (default: %(default)s)',
    )
    add_trainee_options(parser)
    add_json_option(parser)
    add_traceback_option(parser)
    return parser.parse_args(argv)


if __name__ == '__main__':
    # Help and mistakes are answered before torch is imported.
    parse_args()
    be_quiet()

from aemim_mm.utils.markdown import markdown, number  # noqa: E402
from aemim_mm.utils.read_config import read_config  # noqa: E402
from aemim_mm.utils.storage import check_writable  # noqa: E402
from benchmarks.cost.cost_row import CostRow  # noqa: E402
from benchmarks.cost.measurement import Settings, measure  # noqa: E402
from benchmarks.cost.variations import Variation, variations  # noqa: E402
from benchmarks.image_size import image_size  # noqa: E402
from benchmarks.process import keep_memory, machine, set_up, write_json  # noqa: E402

HEADER = [
    'setting',
    'value',
    's / step, base',
    's / step',
    'ratio',
    'floor',
    'peak of base, GB',
    'peak, GB',
    'ratio',
]


def line(variation: Variation, base: CostRow, row: CostRow) -> list[str]:
    """A line of the table.

    Args:
        variation (Variation): The setting.
        base (CostRow): The base's.
        row (CostRow): The recipe's.

    Returns:
        list[str]: Cells under ``HEADER``.
    """
    peaks = [
        None if r.peak_bytes is None else r.peak_bytes / 1e9
        for r in (base, row)
    ]
    return [
        variation.what,
        f'{variation.value:g}',
        number(base.seconds, 3),
        number(row.seconds, 3),
        number(row.ratio, 2),
        number(row.floor_operations, 2),
        *(number(peak, 2) for peak in peaks),
        number(row.peak_ratio, 2),
    ]


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
    points = variations(
        read_config(args.config),
        args.batch_size,
        args.batch_sizes,
        args.num_steps,
        args.adv_ratios,
        args.image_sizes,
    )
    results, lines = [], []
    for number_of, point in enumerate(points, 1):
        print(
            f'[{number_of} of {len(points)}] {point.what} {point.value:g}',
            file=sys.stderr,
            flush=True,
        )
        settings = Settings(
            batch_size=point.batch_size,
            iters=args.iters,
            precision=args.precision,
            cfg_options=point.cfg_options,
            own_options=point.own_options,
            memory=not args.no_memory,
            parts=False,
        )
        rows = measure([args.base, args.config], settings)
        lines.append(line(point, *rows))
        print(' | '.join(lines[-1]), file=sys.stderr, flush=True)
        results.append(dict(asdict(point), rows=[asdict(r) for r in rows]))
        write_json(args.json, dict(machine=machine(), points=results))
    print(
        f'\n{Path(args.config).stem} against {Path(args.base).stem}, batch '
        f'size {args.batch_size} and image size '
        f'{image_size(read_config(args.config))} where not varied, '
        f'{args.precision}, medians of {args.iters} steps; {machine()}\n\n'
        f'{markdown(HEADER, lines)}'
    )
    return 0


if __name__ == '__main__':
    keep_memory()
    run_main(main)
