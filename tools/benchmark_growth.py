# Copyright (c) aemim_mm contributors. All rights reserved.
"""How the cost of AEMIM grows, against the cost model.

Changes one setting of CONFIG at a time (batch size, steps T and share alpha
of the attack, image size), measures a full step and the peak memory beside
those of BASE at the same batch and image size, and puts the ratio beside the
floor by counted operations. Every point is an interleaved measurement of its
own; what is finished is printed at once and, with --json, written.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger

# A checkout works without installation.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aemim_mm.utils.markdown import markdown, number  # noqa: E402
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
from benchmarks.cost.variations import (  # noqa: E402
    Variation,
    variations,
)

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


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('base', metavar='BASE', help='MAE with a ViT')
    parser.add_argument('config', metavar='CONFIG', help='AEMIM over it')
    parser.add_argument(
        '--batch-size',
        type=int,
        default=16,
        metavar='N',
        help='where it is not varied (default: %(default)s)',
    )
    parser.add_argument(
        '--batch-sizes', type=int, nargs='*', default=[8, 16, 32], metavar='N'
    )
    parser.add_argument(
        '--num-steps', type=int, nargs='*', default=[1, 2, 3], metavar='T'
    )
    parser.add_argument(
        '--adv-ratios',
        type=float,
        nargs='*',
        default=[0.25, 0.5, 1.0],
        metavar='ALPHA',
    )
    parser.add_argument(
        '--image-sizes', type=int, nargs='*', default=[160, 224, 288]
    )
    parser.add_argument(
        '--iters',
        type=int,
        default=3,
        metavar='N',
        help='steps that count, of each point (default: %(default)s)',
    )
    parser.add_argument('--precision', choices=PRECISIONS, default='fp32')
    parser.add_argument(
        '--threads',
        type=int,
        metavar='N',
        help="threads of operations on the CPU (default: torch's own)",
    )
    parser.add_argument(
        '--no-memory', action='store_true', help='leave peak memory out'
    )
    parser.add_argument('--json', metavar='FILE', help='also write it here')
    args = parser.parse_args(argv)
    require_positive(
        parser,
        args,
        *('batch_size', 'iters', 'batch_sizes', 'num_steps', 'adv_ratios'),
        'image_sizes',
    )
    return args


def line(variation: Variation, base: dict, row: dict) -> list[str]:
    """A line of the table.

    Args:
        variation (Variation): The setting.
        base (dict): The base's :class:`~benchmarks.cost.table.Row` as a dict.
        row (dict): The recipe's.

    Returns:
        list[str]: Cells under ``HEADER``.
    """
    peaks = [
        None if r['peak_bytes'] is None else r['peak_bytes'] / 1e9
        for r in (base, row)
    ]
    return [
        variation.what,
        f'{variation.value:g}',
        number(base['seconds'], 3),
        number(row['seconds'], 3),
        number(row['ratio'], 2),
        number(row['floor_operations'], 2),
        *(number(peak, 2) for peak in peaks),
        number(row['peak_ratio'], 2),
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Returns:
        int: 0, or 1 if a config cannot be used.
    """
    args = parse_args(argv)
    try:
        run(args)
    except (FileNotFoundError, KeyError, TypeError, ValueError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    return 0


def run(args: argparse.Namespace) -> None:
    """Measure every point, and print.

    Args:
        args (argparse.Namespace): The options.
    """
    MMLogger.get_instance('benchmark', log_level='WARNING')
    if args.threads is not None:
        torch.set_num_threads(args.threads)
    points = variations(
        Config.fromfile(args.config),
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
        rows = [asdict(r) for r in measure([args.base, args.config], settings)]
        lines.append(line(point, *rows))
        print(' | '.join(lines[-1]), file=sys.stderr, flush=True)
        results.append(dict(asdict(point), rows=rows))
        if args.json is not None:
            content = dict(machine=machine(), points=results)
            text = json.dumps(content, indent=2)
            AtomicLocalBackend().put_text(f'{text}\n', args.json)
    print(
        f'\n{Path(args.config).stem} against {Path(args.base).stem}, batch '
        f'size {args.batch_size} and image size 224 where not varied, '
        f'{args.precision}, medians of {args.iters} steps; {machine()}\n\n'
        f'{markdown(HEADER, lines)}'
    )


if __name__ == '__main__':
    keep_memory()
    sys.exit(main())
