# Copyright (c) aemim_mm contributors. All rights reserved.
"""Write the clean encoder of a checkpoint for mmpretrain, mmdet or timm.

Of a pre-training checkpoint (AEMIM, MAE, SimMIM) the adversarial adapters, the
decoder and the state of the optimizer are left behind; of a fine-tuned
classifier the head goes along. docs/export.md says what goes where.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

# A checkout works without installation.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aemim_mm_cli.choices import LIMIT, TARGETS  # noqa: E402
from aemim_mm_cli.places import config_path  # noqa: E402
from aemim_mm_cli.quiet import be_quiet  # noqa: E402
from aemim_mm_cli.user_errors import add_traceback_option, run_main  # noqa: E402

DTYPES = ('float32', 'float16', 'bfloat16')


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('checkpoint', help='checkpoint of a run, epoch_N.pth')
    parser.add_argument(
        'out',
        nargs='?',
        default=argparse.SUPPRESS,
        help='the new file, .pth or .safetensors; for timm also a new folder, '
        'DIR/',
    )
    parser.add_argument(
        '--out', dest='out', metavar='OUT', help='the same as OUT'
    )
    parser.add_argument(
        '--to', required=True, choices=TARGETS, help='the library it is for'
    )
    parser.add_argument(
        '--config',
        type=config_path,
        help='the config file of the run, for a checkpoint that holds none',
    )
    parser.add_argument(
        '--dtype',
        choices=DTYPES,
        help='type of the weights (default: that of the checkpoint)',
    )
    parser.add_argument(
        '--check',
        action='store_true',
        help='load the file into a model of the target library and compare '
        'it with the source on random images; write it only if no value '
        f'differs by more than {LIMIT:g}',
    )
    parser.add_argument(
        '--force', action='store_true', help='replace the file if it exists'
    )
    parser.add_argument(
        '--license',
        help='licence of the weights, such as apache-2.0 (default: that of '
        'the weights that the run started from, else unknown)',
    )
    parser.add_argument(
        '--push',
        metavar='USER/NAME',
        help='with --to timm and a folder: also upload it to the Hugging Face '
        'Hub, as a private repository',
    )
    parser.add_argument(
        '--public',
        action='store_true',
        help='with --push: as a public repository',
    )
    add_traceback_option(parser)
    args = parser.parse_args(argv)
    if args.out is None:
        parser.error('OUT is missing: the name of the new file or folder')
    if args.public and not args.push:
        parser.error('--public needs --push USER/NAME')
    return args


if __name__ == '__main__':
    # Help and mistakes are answered before torch is imported.
    parse_args()
    be_quiet()

import torch  # noqa: E402

from aemim_mm.checkpoints.terms import in_words  # noqa: E402
from aemim_mm.export import export_backbone  # noqa: E402
from aemim_mm.export.export_file import is_folder  # noqa: E402
from aemim_mm.export.hub import check_push, push  # noqa: E402


def main(argv: Sequence[str] | None = None) -> int:
    """Export, and say what was done.

    Returns:
        int: The exit status: 1 if the check fails.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If one cannot be used.
        RuntimeError: If the Hub refuses.
    """
    args = parse_args(argv)
    if args.push:
        if not (args.to == 'timm' and is_folder(args.out)):
            raise ValueError('--push needs --to timm and a folder: --out DIR/')
        check_push(args.push)
    export = export_backbone(
        args.checkpoint,
        args.out,
        args.to,
        config=args.config,
        dtype=getattr(torch, args.dtype) if args.dtype else None,
        check=args.check,
        force=args.force,
        license=args.license,
    )
    print(f'encoder: {export.architecture}')
    if not export.source.config:
        print('the checkpoint holds no config: sizes are told from the shapes')
    for name, count in export.source.dropped.items():
        print(f'left behind: {name}' + (f', {count} tensors' if count else ''))
    for name, value in export.differences.items():
        print(f'largest difference of {name}: {value:.3g}')
    if not export.passed:
        print(
            f'check failed: above the limit of {LIMIT:g}; {args.out} is not '
            'written',
            file=sys.stderr,
        )
        return 1
    print(
        in_words(export.meta['started_from'])
        or f'licence: {export.meta["license"]}'
    )
    print(f'{args.out}: {export.num_tensors} tensors for {args.to}')
    print(f'load it with: {export.load}')
    pixels = export.source.normalization
    if (
        args.to == 'timm'
        and export.architecture.in_channels == 3
        and not pixels.get('to_rgb', True)
    ):
        print(
            'note: this run did not swap the channels of its images '
            "(to_rgb=False), and OpenMMLab's loaders give BGR; timm gives "
            'RGB. If it was trained on BGR, swap the channels before they '
            'are normalised'
        )
    if args.push:
        print(f'pushed: {push(args.out, args.push, args.public)}')
    return 0


if __name__ == '__main__':
    run_main(main, RuntimeError)
