# Copyright (c) aemim_mm contributors. All rights reserved.
"""Write a small detection data set in COCO's layout: shapes on photographs."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

# A checkout works without installation.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aemim_mm_cli.places import ROOT  # noqa: E402
from aemim_mm_cli.quiet import be_quiet  # noqa: E402
from aemim_mm_cli.user_errors import add_traceback_option, run_main  # noqa: E402

DEFAULT_ROOT = ROOT / 'data' / 'mini_coco'


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line.

    Args:
        argv (Sequence[str], optional): Arguments. None means those of the
            process. Defaults to None.

    Returns:
        argparse.Namespace: The options.
    """
    parser = argparse.ArgumentParser(
        description=f'{__doc__} Circles, squares and triangles (three '
        'classes) are pasted on photographs that come with scikit-image; '
        'each has a mask of exactly its visible pixels. Nothing is '
        'downloaded, and the same options give the same data.',
    )
    parser.add_argument(
        'root',
        nargs='?',
        default=str(DEFAULT_ROOT),
        metavar='OUT_DIR',
        help='folder for train2017/, val2017/ and annotations/. Defaults to '
        '%(default)s, where configs/coco/*mini-coco.py look for it when run '
        'from the repository.',
    )
    parser.add_argument(
        '--num-train',
        type=int,
        default=24,
        help='number of training images. Defaults to %(default)s.',
    )
    parser.add_argument(
        '--num-val',
        type=int,
        default=8,
        help='number of validation images. Defaults to %(default)s.',
    )
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        default=(224, 160),
        metavar=('WIDTH', 'HEIGHT'),
        help='of every image, in pixels, 64 to 1024. Defaults to 224 160.',
    )
    parser.add_argument(
        '--seed',
        type=int,
        default=0,
        help='another seed gives other images. Defaults to %(default)s.',
    )
    parser.add_argument(
        '--force',
        action='store_true',
        help='replace a data set that this tool wrote. What it did not write '
        'is never touched.',
    )
    add_traceback_option(parser)
    return parser.parse_args(argv)


if __name__ == '__main__':
    # Help and mistakes are answered before torch is imported.
    parse_args()
    be_quiet()

from aemim_mm.datasets.mini_coco import write_mini_coco  # noqa: E402


def main() -> int:
    """Write the data set.

    Returns:
        int: 0.

    Raises:
        OSError: If a file cannot be read or written.
        ValueError: If something is wrong with what was given.
    """
    args = parse_args()
    counts = write_mini_coco(
        args.root,
        num_train=args.num_train,
        num_val=args.num_val,
        size=tuple(args.size),
        seed=args.seed,
        force=args.force,
    )
    print(
        f'{args.root}: {args.num_train} training images with '
        f'{counts["train2017"]} objects, {args.num_val} validation images '
        f'with {counts["val2017"]}; {args.size[0]} x {args.size[1]} pixels, '
        f'seed {args.seed}'
    )
    return 0


if __name__ == '__main__':
    run_main(main)
