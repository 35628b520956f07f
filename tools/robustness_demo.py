# Copyright (c) aemim_mm contributors. All rights reserved.
"""The robustness suite on a small scale: the classifier of the demo.

Takes the fine-tuned Fashion-MNIST classifier of tools/demo.py (which runs
first if necessary), writes its test images as files with 15 corruptions at 5
severities, and evaluates: clean, corrupted, FGSM, PGD-20 and robustness
curves. Exits with an error if the suite's clean accuracy is not the demo's.
Run the command again to continue after an interruption.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
TOOLS = REPO / 'tools'
# A checkout works without installation.
sys.path.insert(0, str(REPO))

from aemim_mm_cli.quiet import be_quiet  # noqa: E402
from aemim_mm_cli.user_errors import add_traceback_option, run_main  # noqa: E402


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--work-dir',
        type=Path,
        default=REPO / 'work_dirs/robustness_demo',
        help='where images and results go (default: %(default)s)',
    )
    parser.add_argument(
        '--demo-dir',
        type=Path,
        default=REPO / 'work_dirs/demo',
        help='the --work-dir of tools/demo.py (default: %(default)s)',
    )
    parser.add_argument(
        '--data-root',
        type=Path,
        default=REPO / 'data/fashion_mnist',
        help='where the data are or will be (default: %(default)s)',
    )
    parser.add_argument(
        '--per-class',
        type=int,
        default=50,
        metavar='N',
        help='the first N test images of each class are corrupted and '
        'attacked (default: %(default)s)',
    )
    add_traceback_option(parser)
    args = parser.parse_args(argv)
    if args.per_class < 1:
        parser.error(f'--per-class {args.per_class}: it must be at least 1')
    for name in ('work_dir', 'demo_dir', 'data_root'):
        setattr(args, name, getattr(args, name).resolve())
    return args


if __name__ == '__main__':
    # Help and mistakes are answered before torch is imported.
    parse_args()
    be_quiet()

from mmengine.runner import find_latest_checkpoint  # noqa: E402

from aemim_mm.datasets.fashion_mnist import (  # noqa: E402
    prepare_fashion_mnist,
)
from aemim_mm.datasets.fashion_mnist_images import CLASS_FILE  # noqa: E402
from aemim_mm.demo.steps import (  # noqa: E402
    Clock,
    minutes,
    run_tool,
)

CONFIG = REPO / 'configs/finetune/vit-tiny-p4_1xb256-coslr-4e_fashion-mnist.py'
# In percent. mmpretrain computes its accuracy in float32.
TOLERANCE = 0.01
PHASES = (
    'the classifier of the demo',
    'test images as files, and their corruptions',
    'clean, corruptions, FGSM, PGD-20, robustness curves',
)


def trained_classifier(demo_dir: Path, data_root: Path) -> tuple[str, float]:
    """The demo's classifier; the demo is run if it is not there.

    Args:
        demo_dir (Path): The demo's folder.
        data_root (Path): Folder of the data.

    Returns:
        tuple[str, float]: The checkpoint, and its top-1 accuracy in percent
        as the demo measured it.

    Raises:
        RuntimeError: If the demo fails.
    """
    # It is written at the end.
    summary = demo_dir / 'summary.json'
    if not summary.is_file():
        print(f'{demo_dir} holds no finished demo: running tools/demo.py')
        folders = ('--work-dir', demo_dir, '--data-root', data_root)
        run_tool(TOOLS / 'demo.py', '--resume', *folders)
    checkpoint = find_latest_checkpoint(str(demo_dir / 'finetune'))
    top1 = json.loads(summary.read_text())['finetune']['top1']
    print(f'{checkpoint}: top-1 {top1:.2f} %')
    return checkpoint, top1


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo.

    Returns:
        int: 0, or 1 if something is wrong with the result.

    Raises:
        FileNotFoundError: If the data cannot be had.
        RuntimeError: If a tool fails.
    """
    args = parse_args(argv)
    out = args.work_dir
    out.mkdir(parents=True, exist_ok=True)
    images = out / 'images'
    name = f'{args.per_class}_per_class'
    corrupted, attack_list = out / f'images-c_{name}', out / f'{name}.txt'
    clock = Clock('robustness demo', PHASES)

    with clock.phase(PHASES[0]):
        root = prepare_fashion_mnist(str(args.data_root))
        checkpoint, top1 = trained_classifier(args.demo_dir, args.data_root)

    with clock.phase(PHASES[1]):
        run_tool(
            TOOLS / 'make_corruptions.py',
            *(images, corrupted, '--fashion-mnist', root, '--keep-size'),
            *('--per-class', args.per_class, '--workers', os.cpu_count()),
            *('--attack-list', attack_list),
        )

    with clock.phase(PHASES[2]):
        run_tool(
            TOOLS / 'evaluate_robustness.py',
            *(CONFIG, checkpoint, '--native', '--out', out),
            *('--classes', images / CLASS_FILE, '--imagenet', images),
            *('--imagenet-c', corrupted, '--attack-list', attack_list),
            *('--batch-size', 250, '--num-workers', 1),
        )

    for title, seconds in clock.seconds.items():
        print(f'{minutes(seconds):>10}  {title}')
    results = json.loads((out / 'results.json').read_text())
    found = results['imagenet']['top1']
    if abs(found - top1) > TOLERANCE:
        print(
            'robustness demo: '
            f'top-1 is {top1} % in {args.demo_dir / "summary.json"}, but '
            f'{found} % in {out / "results.json"}: they must be the same',
            file=sys.stderr,
        )
        return 1
    print(f'\ntables and curve: {out / "results.md"}')
    return 0


if __name__ == '__main__':
    run_main(main, RuntimeError)
