# Copyright (c) aemim_mm contributors. All rights reserved.
"""Convert weights of another library to a checkpoint of mmpretrain and AEMIM.

FILE is a file of facebookresearch/mae, timm, transformers (ViT, ViTMAE),
microsoft/SimMIM or mmpretrain; or a folder that timm or transformers has
saved; or timm:NAME, a model that timm downloads. The encoder is converted,
and the decoder and the classifier if the file has them. docs/weights.md
describes the details.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

# A checkout works without installation.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aemim_mm_cli.choices import KINDS, LIMIT  # noqa: E402
from aemim_mm_cli.places import config_path  # noqa: E402
from aemim_mm_cli.quiet import be_quiet  # noqa: E402
from aemim_mm_cli.user_errors import add_traceback_option, run_main  # noqa: E402


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('file', help='the file, a folder, or timm:NAME')
    parser.add_argument('out', help='the new file, .pth or .safetensors')
    parser.add_argument(
        '--from',
        dest='kind',
        required=True,
        choices=tuple(KINDS),
        help='the library that wrote the file',
    )
    parser.add_argument(
        '--config',
        type=config_path,
        help='a config with model.backbone (and model.neck) of this size, '
        'for what the shapes do not show, such as the heads of an unusual ViT',
    )
    parser.add_argument(
        '--license',
        help='licence of the weights, such as mit (default: cc-by-nc-4.0 for '
        'facebookresearch/mae, mit for microsoft/SimMIM; else that in the '
        'file or in timm; else unknown)',
    )
    parser.add_argument(
        '--source', help='origin of the weights (default: as for --license)'
    )
    parser.add_argument(
        '--check',
        action='store_true',
        help='compare features, and the decoder of MAE, with the source '
        'library on random images; write the file only if no value differs '
        f'by more than {LIMIT:g}',
    )
    parser.add_argument(
        '--source-python',
        default=sys.executable,
        metavar='PYTHON',
        help='the Python that has transformers, for the check',
    )
    parser.add_argument(
        '--force', action='store_true', help='replace OUT if it exists'
    )
    add_traceback_option(parser)
    return parser.parse_args(argv)


if __name__ == '__main__':
    # Help and mistakes are answered before torch is imported.
    parse_args()
    be_quiet()

from aemim_mm.checkpoints.terms import in_words  # noqa: E402
from aemim_mm.importing import import_checkpoint  # noqa: E402


def main(argv: Sequence[str] | None = None) -> int:
    """Import, and say what was done.

    Returns:
        int: The exit status: 1 if the check fails.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If one cannot be used.
        RuntimeError: If it cannot be downloaded.
    """
    args = parse_args(argv)
    done = import_checkpoint(
        args.file,
        args.out,
        args.kind,
        config=args.config,
        license=args.license,
        source=args.source,
        check=args.check,
        python=args.source_python,
        force=args.force,
    )
    print(f'encoder: {done.architecture}')
    for name, count in done.dropped.items():
        print(f'left behind: {name}' + (f', {count} tensors' if count else ''))
    for name, value in done.differences.items():
        print(f'largest difference of {name}: {value:.3g}')
    if not done.passed:
        print(
            f'check failed: above the limit of {LIMIT:g}; {args.out} is not '
            'written',
            file=sys.stderr,
        )
        return 1
    if done.terms:
        print(in_words(done.terms))
    print(f'{args.out}: {done.num_tensors} tensors for mmpretrain')
    print(f'start the encoder from it with: {done.load}')
    if done.decoder:
        cfg = {k: v for k, v in done.decoder.items() if k != 'type'}
        print(f'decoder: {done.decoder["type"]}, {cfg}')
        print(f'start both from it with: load_from={str(args.out)!r}')
    return 0


if __name__ == '__main__':
    run_main(main, RuntimeError)
