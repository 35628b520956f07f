# Copyright (c) aemim_mm contributors. All rights reserved.
"""What the command lines of the benchmarks have in common."""

import argparse
from collections.abc import Callable

# Data types of autocast.
PRECISIONS = ('fp32', 'bf16', 'fp16')


def above(
    bound: float, kind: Callable[[str], float] = int
) -> Callable[[str], float]:
    """A type of options, for argparse: a number that must be above a bound."""

    def convert(text: str) -> float:
        value = kind(text)
        if value <= bound:
            raise argparse.ArgumentTypeError(
                f'must be above {bound}, but got {text}'
            )
        return value

    # argparse's own message is "invalid int value".
    convert.__name__ = kind.__name__
    return convert


def add_trainee_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--precision``, ``--threads`` and ``--no-memory``, for training."""
    parser.add_argument(
        '--precision',
        choices=PRECISIONS,
        default='fp32',
        help='bf16 and fp16 by autocast; fp16 with a gradient scaler (default:'
        ' %(default)s)',
    )
    parser.add_argument(
        '--threads',
        type=above(0),
        metavar='N',
        help="threads of operations on the CPU (default: torch's own)",
    )
    parser.add_argument(
        '--no-memory', action='store_true', help='do not measure peak memory'
    )


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``, the file to write what was measured to."""
    parser.add_argument(
        '--json',
        metavar='FILE',
        help='also write all measurements to this file',
    )
