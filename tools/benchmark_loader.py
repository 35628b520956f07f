# Copyright (c) aemim_mm contributors. All rights reserved.
"""How fast images are loaded, next to torchvision and timm.

Writes JPEG files of ImageNet's size into a temporary folder and loads them by
the training pipeline of CONFIG, by torchvision and by timm: decode, random
resized crop, flip, collate. All give uint8 batches on the CPU, which the
device normalises later. The same is measured for the pipeline with other
decoders and resizers. The loaders take turns, so that whatever slows the
machine down hits all of them. Prints images per second, the speed relative to
the fastest pipeline of torchvision and timm (above 1 is faster), and how far
the pixels are from those of torchvision's transforms of PIL images.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import PIL
import torch
import torchvision
from mmengine.config import Config
from mmengine.registry import init_default_scope

REPO = Path(__file__).resolve().parents[1]
# A checkout works without installation.
sys.path.insert(0, str(REPO))

import aemim_mm  # noqa: E402, F401
from aemim_mm.utils.markdown import markdown  # noqa: E402
from aemim_mm.utils.storage import AtomicLocalBackend  # noqa: E402
from benchmarks import loader_speed  # noqa: E402
from benchmarks.cost.timing import interleave  # noqa: E402

CONFIG = REPO / 'configs' / '_base_' / 'datasets' / 'imagenet_bs512_mae.py'
# Other libraries. The speed is relative to the fastest of them.
TORCHVISION, TIMM = 'torchvision', 'timm'
TENSORS = 'torchvision, tensors'
OTHERS = (TORCHVISION, TIMM, TENSORS)
# Files whose pixels are compared.
COMPARED = 16


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--config',
        default=str(CONFIG),
        metavar='CONFIG',
        help='config with the pipeline, of a run or of a data set (default: '
        f'{CONFIG.relative_to(REPO)})',
    )
    numbers = (
        ('--images', 256, 1, 'files to write and to load in each round'),
        ('--batch-size', 32, 1, 'images per batch'),
        (
            '--num-workers',
            len(os.sched_getaffinity(0)),
            0,
            'processes that load, 0 for none but this one; without an option '
            'as many as there are cores',
        ),
        ('--rounds', 7, 1, 'times each loader loads all files, after one that'
         ' is not counted; the median counts'),
    )  # fmt: skip
    for name, default, least, text in numbers:
        parser.add_argument(
            name,
            type=_at_least(least),
            default=default,
            metavar='N',
            help=f'{text} (default: %(default)s)',
        )
    parser.add_argument(
        '--json',
        metavar='FILE',
        help='also write everything that was measured',
    )
    return parser.parse_args(argv)


def _at_least(least: int):
    def number(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f'must be at least {least}')
        return value

    return number


def measure(
    args: argparse.Namespace, folder: Path
) -> tuple[list[loader_speed.Row], str]:
    """Measure all loaders.

    Args:
        args (argparse.Namespace): The options.
        folder (Path): With the files.

    Returns:
        tuple[list[Row], str]: The row of the config first, and the name of
        what the ratios are to.
    """
    cfg = Config.fromfile(args.config)
    pipeline = loader_speed.pipeline_of(cfg)
    recipe = loader_speed.recipe_of(pipeline)
    settings = loader_speed.Settings(folder, args.batch_size, args.num_workers)
    pipelines = loader_speed.variants_of(pipeline)
    first, *others = pipelines
    loaders = {
        first: loader_speed.ours(settings, cfg, pipeline),
        TORCHVISION: loader_speed.torchvision_pil(settings, recipe),
        TIMM: loader_speed.timm_pil(settings, recipe),
        TENSORS: loader_speed.torchvision_tensors(settings, recipe),
    }
    for name in others:
        loaders[name] = loader_speed.ours(settings, cfg, pipelines[name])
    paths = sorted(folder.rglob('*.JPEG'))[:COMPARED]
    crops = {
        name: loader_speed.crop_by(steps) for name, steps in pipelines.items()
    }
    crops[TENSORS] = loader_speed.crop_of_tensors(recipe, pipeline)
    differences = {
        name: loader_speed.compare(crop, recipe, paths)
        for name, crop in crops.items()
    }
    # It is what the others are compared with, and what timm calls.
    same = loader_speed.Difference(0, 0.0, 0.0)
    differences.update({TORCHVISION: same, TIMM: same})
    seconds = interleave(
        {
            name: loader_speed.drain(loader, args.images, recipe.size)
            for name, loader in loaders.items()
        },
        args.rounds,
        tick=loader_speed.Progress(len(loaders) * (args.rounds + 1)).tick,
    )
    best = loader_speed.best_of(seconds, OTHERS)
    rows = loader_speed.rows_of(seconds, differences, args.images, best)
    return rows, best


def machine() -> str:
    """Where it ran, in words."""
    return (
        f'{len(os.sched_getaffinity(0))} cores, {platform.machine()}, torch '
        f'{torch.__version__}, torchvision {torchvision.__version__}, Pillow '
        f'{PIL.__version__}, OpenCV {cv2.__version__}'
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Returns:
        int: 0, or 1 after an error.
    """
    args = parse_args(argv)
    # Processes, not threads, share the work: as in training.
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    init_default_scope('mmpretrain')
    try:
        with tempfile.TemporaryDirectory(prefix='loader_') as folder:
            size = loader_speed.write_photographs(Path(folder), args.images)
            rows, best = measure(args, Path(folder))
    except (FileNotFoundError, ImportError, ValueError) as error:
        print(f'{error}', file=sys.stderr)
        return 1
    table = markdown(
        loader_speed.HEADER, [loader_speed.cells_of(row) for row in rows]
    )
    print(
        f'\n{args.images} files of {size / args.images / 1000:.0f} kB on '
        f'average, batches of {args.batch_size}, {args.num_workers} workers, '
        f'medians of {args.rounds} rounds; ratio to {best}; {machine()}\n\n'
        f'{table}'
    )
    if args.json is not None:
        content = dict(
            vars(args),
            bytes=size,
            best=best,
            machine=machine(),
            rows=[row.as_json() for row in rows],
        )
        text = json.dumps(content, indent=2)
        AtomicLocalBackend().put_text(f'{text}\n', args.json)
    return 0


if __name__ == '__main__':
    sys.exit(main())
