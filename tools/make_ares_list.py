# Copyright (c) aemim_mm contributors. All rights reserved.
"""Turn ARES-Bench's list of 5000 validation images into an annotation file."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

# A checkout works without installation.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aemim_mm_cli.quiet import be_quiet  # noqa: E402
from aemim_mm_cli.user_errors import add_traceback_option, run_main  # noqa: E402


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv (Sequence[str], optional): Arguments. None means those of the
            process. Defaults to None.

    Returns:
        argparse.Namespace: The options.
    """
    parser = argparse.ArgumentParser(
        description=f'{__doc__} Its lines are "path label", paths relative '
        'to the folder of the class folders (imagenet/val), labels being '
        'ranks of the WordNet ids. Nothing is downloaded, and only the '
        'published list is taken, by its SHA-256; without it the tool says '
        'where to get it.',
    )
    parser.add_argument(
        '--ids',
        metavar='FILE',
        help='imagenet_test_image_ids.txt, or a wheel of robustbench 1.1.1. '
        'Defaults to that of an installed robustbench.',
    )
    parser.add_argument('out', metavar='OUT', help='the annotation file')
    add_traceback_option(parser)
    return parser.parse_args(argv)


if __name__ == '__main__':
    # Help and mistakes are answered before torch is imported.
    parse_args()
    be_quiet()

from aemim_mm.datasets.ares_list import (  # noqa: E402
    annotate,
    read_ares_ids,
)


def main() -> int:
    """Write the annotation file.

    Returns:
        int: 0.

    Raises:
        OSError: If a file cannot be read or written.
        ValueError: If something is wrong with what was given.
    """
    args = parse_args()
    lines = annotate(read_ares_ids(args.ids))
    os.makedirs(os.path.dirname(os.path.abspath(args.out)), exist_ok=True)
    with open(args.out, 'w', encoding='ascii') as file:
        file.writelines(f'{line}\n' for line in lines)
    print(f'{args.out}: {len(lines)} images')
    return 0


if __name__ == '__main__':
    run_main(main)
