# Copyright (c) aemim_mm contributors. All rights reserved.
"""Put Fashion-MNIST, verified, to where the configs look for it."""

import argparse
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
# A checkout works without installation.
sys.path.insert(0, str(REPO))

from aemim_mm.datasets.fashion_mnist import (  # noqa: E402
    prepare_fashion_mnist,
)

DEFAULT_ROOT = REPO / 'data' / 'fashion_mnist'


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'root',
        nargs='?',
        default=str(DEFAULT_ROOT),
        help='folder for the four files. Defaults to %(default)s.',
    )
    return parser.parse_args()


def main() -> int:
    """Prepare the data.

    Returns:
        int: 0 if the data are there, 1 if not.
    """
    try:
        print(prepare_fashion_mnist(parse_args().root))
    except (FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
