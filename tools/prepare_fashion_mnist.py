# Copyright (c) aemim_mm contributors. All rights reserved.
"""Put Fashion-MNIST, verified, to where the configs look for it."""

import argparse
import sys
from pathlib import Path

# A checkout works without installation.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aemim_mm_cli.places import ROOT  # noqa: E402
from aemim_mm_cli.quiet import be_quiet  # noqa: E402
from aemim_mm_cli.user_errors import add_traceback_option, run_main  # noqa: E402

DEFAULT_ROOT = ROOT / 'data' / 'fashion_mnist'


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'root',
        nargs='?',
        default=str(DEFAULT_ROOT),
        help='folder for the four files. Defaults to %(default)s.',
    )
    add_traceback_option(parser)
    return parser.parse_args()


if __name__ == '__main__':
    # Help and mistakes are answered before torch is imported.
    parse_args()
    be_quiet()

from aemim_mm.datasets.fashion_mnist import (  # noqa: E402
    prepare_fashion_mnist,
)


def main() -> int:
    """Prepare the data.

    Returns:
        int: 0.

    Raises:
        OSError: If the data cannot be had.
    """
    args = parse_args()
    print(prepare_fashion_mnist(args.root))
    return 0


if __name__ == '__main__':
    run_main(main)
