# Copyright (c) aemim_mm contributors. All rights reserved.
"""Measure how fast images are loaded, compared with torchvision and timm.

Writes JPEG files of ImageNet's size into a temporary folder and loads them by
the training pipeline of CONFIG, by torchvision and by timm: decode, random
resized crop, flip, collate. All give uint8 batches on the CPU, which the
device normalises later. The same is measured for the pipeline with other
decoders and resizers. The loaders take turns, so that other load on the
machine affects all of them. Prints images per second, the speed relative to
the fastest pipeline of torchvision and timm (above 1 is faster), and the
difference of the pixels from torchvision's transforms of PIL images.
"""

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
# A checkout works without installation.
sys.path.insert(0, str(REPO))

from aemim_mm_cli.places import config_path  # noqa: E402
from aemim_mm_cli.quiet import be_quiet  # noqa: E402
from aemim_mm_cli.user_errors import add_traceback_option, run_main  # noqa: E402
from benchmarks.command_line import (  # noqa: E402
    above,
    add_json_option,
)

CONFIG = REPO / 'configs' / '_base_' / 'datasets' / 'imagenet_bs512_mae.py'


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--config',
        type=config_path,
        default=str(CONFIG),
        metavar='CONFIG',
        help='config with the pipeline, of a run or of a data set (default: '
        f'{CONFIG.relative_to(REPO)})',
    )
    numbers = (
        ('--images', 256, 0, 'files to write and to load in each round'),
        ('--batch-size', 32, 0, 'images per batch'),
        (
            '--num-workers',
            len(os.sched_getaffinity(0)),
            -1,
            'processes that load, 0 for none but this one; without an option '
            'as many as there are cores',
        ),
        ('--rounds', 7, 0, 'times each loader loads all files, after one that'
         ' is not counted; the median counts'),
    )  # fmt: skip
    for name, default, bound, text in numbers:
        parser.add_argument(
            name,
            type=above(bound),
            default=default,
            metavar='N',
            help=f'{text} (default: %(default)s)',
        )
    add_json_option(parser)
    add_traceback_option(parser)
    return parser.parse_args(argv)


if __name__ == '__main__':
    # Help and mistakes are answered before torch is imported.
    parse_args()
    be_quiet()

import cv2  # noqa: E402
import PIL  # noqa: E402
import torch  # noqa: E402
import torchvision  # noqa: E402
from mmengine.registry import init_default_scope  # noqa: E402

import aemim_mm  # noqa: E402, F401
from aemim_mm.utils.markdown import markdown  # noqa: E402
from aemim_mm.utils.read_config import read_config  # noqa: E402
from aemim_mm.utils.storage import check_writable  # noqa: E402
from benchmarks.loader_speed.loaders import LoaderSettings  # noqa: E402
from benchmarks.loader_speed.photographs import (  # noqa: E402
    write_photographs,
)
from benchmarks.loader_speed.rounds import measure_loaders  # noqa: E402
from benchmarks.loader_speed.speed_row import HEADER  # noqa: E402
from benchmarks.process import write_json  # noqa: E402


def machine_and_libraries() -> str:
    """Where it ran, in words."""
    return (
        f'{len(os.sched_getaffinity(0))} cores, {platform.machine()}, torch '
        f'{torch.__version__}, torchvision {torchvision.__version__}, Pillow '
        f'{PIL.__version__}, OpenCV {cv2.__version__}'
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Returns:
        int: 0.

    Raises:
        OSError: If a file cannot be read or written.
        ImportError: If scikit-image is not installed.
        ValueError: If the config cannot be used.
    """
    args = parse_args(argv)
    if args.json is not None:
        check_writable(args.json)
    # Processes, not threads, share the work: as in training.
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    init_default_scope('mmpretrain')
    cfg = read_config(args.config)
    with tempfile.TemporaryDirectory(prefix='loader_') as folder:
        size = write_photographs(Path(folder), args.images)
        settings = LoaderSettings(
            Path(folder), args.batch_size, args.num_workers
        )
        rows, best = measure_loaders(cfg, settings, args.rounds)
    print(
        f'\n{args.images} files of {size / args.images / 1000:.0f} kB on '
        f'average, batches of {args.batch_size}, {args.num_workers} workers, '
        f'medians of {args.rounds} rounds; ratio to {best}; '
        f'{machine_and_libraries()}\n\n'
        f'{markdown(HEADER, [row.cells() for row in rows])}'
    )
    content = dict(
        vars(args),
        bytes=size,
        best=best,
        machine=machine_and_libraries(),
        rows=[asdict(row) for row in rows],
    )
    write_json(args.json, content)
    return 0


if __name__ == '__main__':
    run_main(main)
