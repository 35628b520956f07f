# Copyright (c) aemim_mm contributors. All rights reserved.
"""Write an ImageNet-C-like tree from any folder of class folders."""

import argparse
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path

# A checkout works without installation.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aemim_mm_cli.choices import CORRUPTIONS, SEVERITIES  # noqa: E402
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
        description=f'{__doc__} OUT/<corruption>/<severity>/<class>/<image> '
        'gets JPEG files. Run again, it writes what is missing. For demos '
        'and tests only: the corruptions of the library are not to the pixel '
        'those of ImageNet-C, and a published mCE needs its original files '
        '(https://zenodo.org/record/2235448).',
    )
    parser.add_argument(
        'image_dir', metavar='IMAGE_DIR', help='<class>/<image>, clean'
    )
    parser.add_argument('out', metavar='OUT', help='folder of the tree')
    parser.add_argument(
        '--corruptions',
        nargs='+',
        choices=CORRUPTIONS,
        default=CORRUPTIONS,
        metavar='NAME',
        help=f'some of {", ".join(CORRUPTIONS)}. Defaults to all.',
    )
    parser.add_argument(
        '--severities',
        nargs='+',
        type=int,
        choices=SEVERITIES,
        default=SEVERITIES,
        metavar='N',
        help='some of 1 to 5. Defaults to all.',
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        '--size',
        type=int,
        default=224,
        help='width and height in pixels: the short side is resized to 256 / '
        '224 of it and the centre cropped, before the corruption. Defaults '
        'to %(default)s, which is how ImageNet-C was made.',
    )
    size.add_argument(
        '--keep-size',
        action='store_true',
        help='neither resize nor crop. A picture below 32 pixels is enlarged '
        'by a whole factor to at least 32, corrupted, and reduced again.',
    )
    parser.add_argument(
        '--quality',
        type=int,
        default=85,
        help='of the JPEG files, 1 to 95. Defaults to %(default)s.',
    )
    parser.add_argument(
        '--seed',
        type=int,
        default=0,
        help='of the noise. Defaults to %(default)s.',
    )
    parser.add_argument(
        '--per-class',
        type=int,
        metavar='N',
        help='take the first N images of each class. Defaults to all.',
    )
    parser.add_argument(
        '--workers',
        type=int,
        default=0,
        help='number of additional processes. Defaults to none.',
    )
    parser.add_argument(
        '--fashion-mnist',
        metavar='DIR',
        help='first write the test images of Fashion-MNIST, which lies in '
        'DIR, to IMAGE_DIR as PNG files, with classes.txt (their folders in '
        'label order). Combine with --keep-size.',
    )
    parser.add_argument(
        '--attack-list',
        metavar='FILE',
        help='also write the list "path label" of the images that are taken, '
        'for evaluate_robustness.py. Needs --fashion-mnist.',
    )
    add_traceback_option(parser)
    args = parser.parse_args(argv)
    if args.attack_list is not None and args.fashion_mnist is None:
        parser.error('--attack-list needs --fashion-mnist')
    if args.per_class is not None and args.per_class < 1:
        parser.error(f'--per-class {args.per_class}: it must be at least 1')
    if args.workers < 0:
        parser.error(f'--workers {args.workers}: it must be at least 0')
    return args


if __name__ == '__main__':
    # Help and mistakes are answered before torch is imported.
    parse_args()
    be_quiet()

from aemim_mm.datasets.corruption_tree import (  # noqa: E402
    CorruptionJobs,
    TreeSettings,
    write_corruption_tree,
)
from aemim_mm.datasets.fashion_mnist_images import (  # noqa: E402
    export_fashion_mnist,
    write_attack_list,
)


def main() -> int:
    """Write the tree.

    Returns:
        int: 0.

    Raises:
        OSError: If a file cannot be read or written.
        ValueError: If something is wrong with what was given.
    """
    args = parse_args()
    settings = TreeSettings(
        size=None if args.keep_size else args.size,
        quality=args.quality,
        seed=args.seed,
    )
    if args.fashion_mnist is not None:
        number = export_fashion_mnist(args.fashion_mnist, args.image_dir)
        print(f'{args.image_dir}: {number} images')
    jobs = CorruptionJobs(
        args.image_dir,
        args.out,
        list(product(args.corruptions, args.severities)),
        settings,
        per_class=args.per_class,
    )
    written = write_corruption_tree(jobs, args.workers)
    if args.attack_list is not None:
        write_attack_list(args.image_dir, args.per_class, args.attack_list)
    print(
        f'{args.out}: {len(jobs)} images x {len(jobs.cells)} corruptions and '
        f'severities, {written} files written now'
    )
    return 0


if __name__ == '__main__':
    run_main(main)
