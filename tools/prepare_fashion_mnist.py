# Copyright (c) aemim_mm contributors. All rights reserved.
"""Put Fashion-MNIST, verified, to where the configs look for it."""

import argparse
import sys
from pathlib import Path

# A checkout works without installation.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aemim_mm_cli.places import ROOT  # noqa: E402
from aemim_mm_cli.quiet import be_quiet  # noqa: E402

if __name__ == '__main__':
    be_quiet()

from aemim_mm.datasets.fashion_mnist import (  # noqa: E402
    prepare_fashion_mnist,
)
from aemim_mm.launcher.user_errors import (  # noqa: E402
    add_traceback_option,
    user_errors,
)

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


def main() -> int:
    """Prepare the data.

    Returns:
        int: 0.

    Raises:
        SystemExit: With code 2, if the data cannot be had.
    """
    args = parse_args()
    with user_errors(args.traceback):
        print(prepare_fashion_mnist(args.root))
    return 0


if __name__ == '__main__':
    sys.exit(main())
