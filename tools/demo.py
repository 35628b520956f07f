# Copyright (c) aemim_mm contributors. All rights reserved.
"""The main job on a small scale: AEMIM on Fashion-MNIST, from data to report.

Fetches the data, pre-trains with AEMIM, fine-tunes, evaluates (top-1, and
under FGSM), and writes report.html and summary.json. Exits with an error if a
reconstruction loss did not fall or top-1 is below 80 %.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
TOOLS = REPO / 'tools'
# A checkout works without installation.
sys.path.insert(0, str(REPO))

from aemim_mm_cli.quiet import be_quiet  # noqa: E402
from aemim_mm_cli.user_errors import add_traceback_option, run_main  # noqa: E402

# What a demo writes; the mark says that one has begun here.
FOLDERS = ('pretrain', 'finetune', 'figures')
FILES = ('report.html', 'summary.json')
MARK = '.demo'


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--work-dir',
        type=Path,
        default=REPO / 'work_dirs/demo',
        help='where everything goes (default: %(default)s)',
    )
    parser.add_argument(
        '--data-root',
        type=Path,
        default=REPO / 'data/fashion_mnist',
        help='where the data are or will be (default: %(default)s)',
    )
    parser.add_argument(
        '--resume',
        action='store_true',
        help='continue the runs in the work directory; by default those of '
        'an earlier demo are deleted',
    )
    parser.add_argument(
        '--quick',
        action='store_true',
        help='a few images and iterations, to test that everything works; '
        'top-1 then has no meaning and is not checked',
    )
    add_traceback_option(parser)
    args = parser.parse_args(argv)
    args.work_dir = args.work_dir.resolve()
    return args


if __name__ == '__main__':
    # Help and mistakes are answered before torch is imported.
    parse_args()
    be_quiet()

from mmengine.config import Config  # noqa: E402
from mmengine.registry import init_default_scope  # noqa: E402
from mmengine.runner import Runner, find_latest_checkpoint  # noqa: E402
from mmpretrain.registry import MODELS  # noqa: E402

from aemim_mm.attacks import FGSMAttack  # noqa: E402
from aemim_mm.checkpoints.safe_file import load_checkpoint_file  # noqa: E402
from aemim_mm.datasets.fashion_mnist import (  # noqa: E402
    prepare_fashion_mnist,
)
from aemim_mm.demo.report import (  # noqa: E402
    FIGURES,
    demo_report,
)
from aemim_mm.demo.steps import (  # noqa: E402
    Clock,
    minutes,
    run_tool,
)
from aemim_mm.demo.summary import (  # noqa: E402
    failures_of,
    pretrain_summary,
)
from aemim_mm.evaluation import (  # noqa: E402
    PixelClassifier,
    pixel_batches,
    robust_accuracy,
)
from aemim_mm.visualization.curves import last_metric  # noqa: E402

PRETRAIN = (
    REPO
    / 'configs/pretrain/aemim_vit-tiny-p4_1xb256-coslr-5e_fashion-mnist.py'
)
FINETUNE = (
    REPO / 'configs/finetune/vit-tiny-p4_1xb256-coslr-4e_fashion-mnist.py'
)
MIN_TOP1 = 80.0
BUDGETS = [2, 8]  # of FGSM, in 0-255 pixel values
PHASES = (
    'Fashion-MNIST',
    'pre-training with AEMIM',
    'fine-tuning the encoder',
    'accuracy under attack',
    'figures and report',
)
# A few iterations on a few images: they show that everything runs, no more.
QUICK = {
    'train_dataloader.batch_size': 32,
    'train_dataloader.num_workers': 0,
    'train_dataloader.dataset.indices': 128,
    'train_cfg.max_epochs': 3,
    'default_hooks.logger.interval': 1,
}
QUICK_FINETUNE = {
    **QUICK,
    'val_dataloader.num_workers': 0,
    'val_dataloader.dataset.indices': 64,
}


def train(
    config: Path, work_dir: Path, options: Mapping[str, object], resume: bool
) -> Config:
    """Train with ``tools/train.py``.

    Args:
        config (Path): The recipe.
        work_dir (Path): Its work directory.
        options (Mapping[str, object]): Changes to the config.
        resume (bool): Go on with what is in ``work_dir``.

    Returns:
        Config: The config with the changes.
    """
    pairs = [f'{key}={value}' for key, value in options.items()]
    flags = ['--resume'] if resume else []
    run_tool(
        TOOLS / 'train.py',
        config,
        '--work-dir',
        work_dir,
        *flags,
        '--cfg-options',
        *pairs,
    )
    cfg = Config.fromfile(config)
    cfg.merge_from_dict(dict(options))
    return cfg


def evaluate(cfg: Config, checkpoint: str) -> dict[str, float]:
    """Top-1 accuracy under FGSM of a fine-tuned classifier.

    Args:
        cfg (Config): The fine-tuning config.
        checkpoint (str): The weights.

    Returns:
        dict[str, float]: Percent by budget, in 0-255 pixel values.
    """
    init_default_scope('mmpretrain')
    cfg.model.setdefault('data_preprocessor', cfg.get('data_preprocessor'))
    classifier = MODELS.build(cfg.model)
    classifier.load_state_dict(load_checkpoint_file(checkpoint)['state_dict'])
    loader = Runner.build_dataloader(cfg.val_dataloader, seed=0)
    accuracy = robust_accuracy(
        PixelClassifier.from_mmpretrain(classifier),
        pixel_batches(loader),
        FGSMAttack(),
        [budget / 255 for budget in BUDGETS],
    )
    top1 = [round(value, 4) for value in accuracy.top1()]
    return dict(zip(map(str, BUDGETS), top1, strict=True))


def check_own(out: Path) -> None:
    """Refuse a folder whose results are not those of a demo.

    Args:
        out (Path): The work directory.

    Raises:
        FileExistsError: If what a demo would replace is there, but none has
            written it.
    """
    there = [name for name in FOLDERS if (out / name).exists()]
    if there and not any((out / name).exists() for name in (MARK, *FILES)):
        raise FileExistsError(
            f'--work-dir {out} holds {", ".join(there)}, which the demo would '
            'replace and has not written: name another folder'
        )


def begin(out: Path, resume: bool) -> None:
    """Make the work directory ready; what an earlier demo wrote goes.

    Args:
        out (Path): The work directory, which may hold other things.
        resume (bool): Whether the earlier demo goes on.
    """
    if not resume:
        for name in FOLDERS:
            shutil.rmtree(out / name, ignore_errors=True)
        for name in FILES:
            (out / name).unlink(missing_ok=True)
    (out / 'figures').mkdir(parents=True, exist_ok=True)
    (out / MARK).touch()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo.

    Returns:
        int: 0, or 1 if something that should have been reached was not.

    Raises:
        FileNotFoundError: If the data cannot be had.
        FileExistsError: If there are files of somebody else in the way.
        RuntimeError: If a tool fails.
    """
    args = parse_args(argv)
    out = args.work_dir
    if not args.resume:
        check_own(out)
    clock = Clock('demo', PHASES)

    with clock.phase(PHASES[0]):
        root = prepare_fashion_mnist(str(args.data_root))
        data = {'train_dataloader.dataset.data_root': root}
    begin(out, args.resume)

    with clock.phase(PHASES[1]):
        options = {**data, **(QUICK if args.quick else {})}
        work_dir = out / 'pretrain'
        pretrain = train(PRETRAIN, work_dir, options, args.resume)
        checkpoint = find_latest_checkpoint(str(work_dir))
        batch_size = pretrain.train_dataloader.batch_size
        summary = {'pretrain': pretrain_summary(work_dir, batch_size)}

    with clock.phase(PHASES[2]):
        options = {
            **data,
            'val_dataloader.dataset.data_root': root,
            'model.backbone.init_cfg.checkpoint': checkpoint,
            **(QUICK_FINETUNE if args.quick else {}),
        }
        work_dir = out / 'finetune'
        finetune = train(FINETUNE, work_dir, options, args.resume)
        # mmpretrain computes it in float32
        top1 = round(last_metric(work_dir, 'accuracy/top1'), 4)

    with clock.phase(PHASES[3]):
        fgsm = evaluate(finetune, find_latest_checkpoint(str(work_dir)))
        summary['finetune'] = {'top1': top1, 'fgsm_top1': fgsm}
        for budget, value in {'none': top1, **fgsm}.items():
            print(f'FGSM epsilon {budget}: top-1 {value:.2f} %')

    with clock.phase(PHASES[4]):
        paths = {name: out / 'figures' / f'{name}.png' for name in FIGURES}
        run_tool(
            TOOLS / 'plot_losses.py',
            out / 'pretrain',
            '--out',
            paths['losses'],
        )
        run_tool(
            TOOLS / 'visualize_reconstruction.py',
            PRETRAIN,
            checkpoint,
            '--out',
            paths['reconstruction'],
            '--device',
            'cpu',
            '--cfg-options',
            f'train_dataloader.dataset.data_root={root}',
            'train_dataloader.dataset.split=test',
            'train_dataloader.dataset.test_mode=True',
        )
        summary['figures'] = [
            str(path.relative_to(out)) for path in paths.values()
        ]
        (out / 'summary.json').write_text(json.dumps(summary, indent=2))

    failures = failures_of(summary, None if args.quick else MIN_TOP1)
    notes = [f'{failure}.' for failure in failures]
    if args.quick:
        notes.append(
            'A quick run on a few images: it shows that everything works; '
            'the numbers mean nothing.'
        )
    recipes = {
        str(PRETRAIN.relative_to(REPO)): pretrain,
        str(FINETUNE.relative_to(REPO)): finetune,
    }
    wall_time = {k: minutes(v) for k, v in clock.seconds.items()}
    page = demo_report(summary, recipes, wall_time, out, ' '.join(notes))
    (out / 'report.html').write_text(page)
    print(f'\nreport: {out / "report.html"}\nsummary: {out / "summary.json"}')
    for failure in failures:
        print(f'demo: {failure}', file=sys.stderr)
    return int(bool(failures))


if __name__ == '__main__':
    run_main(main, RuntimeError)
