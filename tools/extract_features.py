# Copyright (c) aemim_mm contributors. All rights reserved.
"""Write the features of all images of a folder.

The features are those of the clean encoder of a checkpoint, or of a file that
tools/export_backbone.py --to mmpretrain wrote: one vector for each image. The
file holds `names`, the paths below the folder, and `features`, float32.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

# A checkout works without installation.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aemim_mm_cli.choices import POOLS  # noqa: E402
from aemim_mm_cli.places import config_path  # noqa: E402
from aemim_mm_cli.quiet import be_quiet  # noqa: E402
from aemim_mm_cli.user_errors import add_traceback_option, run_main  # noqa: E402


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'model',
        type=config_path,
        metavar='CONFIG-or-CHECKPOINT',
        help='a checkpoint or exported file; or a config (.py) that names its '
        'weights by load_from or init_cfg, or with --weights',
    )
    parser.add_argument(
        'folder',
        help='folder of images, at any depth; or a text file of paths',
    )
    parser.add_argument('--out', required=True, help='the new file, .npz')
    parser.add_argument(
        '--weights',
        help='the checkpoint, if the first argument is a config',
    )
    parser.add_argument(
        '--pool',
        choices=POOLS,
        default='avg',
        help='the mean of the patches, or the class token, which '
        '`robustness --knn` takes without --pooling (default: %(default)s)',
    )
    parser.add_argument(
        '--plot',
        metavar='PICTURE',
        help='draw the first two principal components, coloured by folder',
    )
    parser.add_argument('--batch-size', type=int, default=64, metavar='N')
    parser.add_argument(
        '--workers',
        type=int,
        default=2,
        metavar='N',
        help='processes that read images (default: %(default)s)',
    )
    parser.add_argument(
        '--device',
        help='default: the accelerator if there is one, else the CPU',
    )
    parser.add_argument(
        '--force', action='store_true', help='replace the file if it exists'
    )
    add_traceback_option(parser)
    args = parser.parse_args(argv)
    if args.batch_size < 1 or args.workers < 0:
        parser.error('--batch-size must be >= 1, and --workers >= 0')
    if not args.out.endswith('.npz'):
        parser.error(f'--out {args.out} must end in .npz')
    return args


if __name__ == '__main__':
    # Help and mistakes are answered before torch is imported.
    parse_args()
    be_quiet()

from mmengine.device import get_device  # noqa: E402

from aemim_mm.config_check.weights import named_weights  # noqa: E402
from aemim_mm.features import (  # noqa: E402
    extract,
    load_encoder,
    save_features,
)
from aemim_mm.utils.read_config import read_config  # noqa: E402
from aemim_mm.utils.storage import (  # noqa: E402
    check_writable,
    save_figure,
)
from aemim_mm.visualization.feature_plot import plot_features  # noqa: E402


def find_weights(model: str, weights: str | None) -> tuple[str, str | None]:
    """The checkpoint, and the config if one is given.

    Args:
        model (str): The first argument.
        weights (str, optional): Value of ``--weights``.

    Returns:
        tuple[str, str | None]: Paths.

    Raises:
        ValueError: If no weights are named, or two files of them.
    """
    if not model.endswith('.py'):
        if weights is not None:
            raise ValueError(
                f'--weights {weights}: {model} holds weights already. Give a '
                'config (.py) in its place, or leave --weights out'
            )
        return model, None
    cfg = read_config(model)
    # Not those of other networks, such as a tokenizer.
    own = ('model.init_cfg', 'model.backbone.')
    named = [f for key, f, _ in named_weights(cfg) if key.startswith(own)]
    weights = weights or cfg.get('load_from', None) or next(iter(named), None)
    if not weights:
        raise ValueError(f'{model} names no weights: pass --weights FILE')
    return weights, model


def main(argv: Sequence[str] | None = None) -> int:
    """Extract, write, draw.

    Returns:
        int: The exit status.
    """
    args = parse_args(argv)
    for path in filter(None, (args.out, args.plot)):
        if not Path(path).resolve().parent.is_dir():
            raise FileNotFoundError(f'there is no folder for {path}')
        if Path(path).exists() and not args.force:
            raise ValueError(f'{path} exists: pass --force to replace it')
        check_writable(path)
    checkpoint, config = find_weights(args.model, args.weights)
    encoder = load_encoder(checkpoint, config, args.pool).to(
        args.device or get_device()
    )
    found = extract(encoder, args.folder, args.batch_size, args.workers)
    save_features(found, args.out)
    for reason in found.unreadable:
        print(f'left out: {reason}', file=sys.stderr)
    count, width = found.features.shape
    print(f'{args.out}: {count} images x {width} features ({args.pool})')
    if args.plot:
        save_figure(plot_features(found.names, found.features), args.plot)
        print(args.plot)
    return 0


if __name__ == '__main__':
    run_main(main)
