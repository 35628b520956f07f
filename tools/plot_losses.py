# Copyright (c) aemim_mm contributors. All rights reserved.
"""Plot the clean and adversarial curves of a pre-training run.

As in Figure 2 of the AEMIM paper: reconstruction losses of clean images and
of adversarial examples, and, beside them, the feature distance at the random
start and after the attack; means over each epoch. A run without adversarial
examples (MAE) gives its loss.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

# A checkout works without installation.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aemim_mm_cli.quiet import be_quiet  # noqa: E402
from aemim_mm_cli.user_errors import add_traceback_option, run_main  # noqa: E402


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'work_dir',
        help='work directory of the run (the parts of a resumed run are '
        'joined), or one of the time-stamped folders in it',
    )
    parser.add_argument(
        '--out', help='the figure (default: WORK_DIR/losses.png)'
    )
    add_traceback_option(parser)
    return parser.parse_args(argv)


if __name__ == '__main__':
    # Help and mistakes are answered before torch is imported.
    parse_args()
    be_quiet()

from aemim_mm.utils.storage import (  # noqa: E402
    check_writable,
    save_figure,
)
from aemim_mm.visualization import (  # noqa: E402
    draw_curves,
    epoch_means,
    read_scalars,
)


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the curves.

    Raises:
        FileNotFoundError: If there is no log.
        ValueError: If the log cannot be drawn.
    """
    args = parse_args(argv)
    entries = read_scalars(args.work_dir)
    means = epoch_means(entries)
    out = Path(args.out or Path(args.work_dir) / 'losses.png')
    check_writable(out)
    unit = 'epoch' if 'epoch' in entries[0] else 'iteration'
    figure = draw_curves(means, unit)
    save_figure(figure, out)
    drawn = ', '.join(axis.get_title().lower() for axis in figure.axes)
    print(f'{out}: {drawn}, over {len(means["epoch"])} {unit}s')


if __name__ == '__main__':
    run_main(main)
