# Copyright (c) aemim_mm contributors. All rights reserved.
"""The command line of ``tools/evaluate_robustness.py``."""

import argparse
import os
from collections.abc import Sequence

from .cfg_options import CfgOptions
from .choices import CORRUPTIONS, POOLINGS, SEVERITIES
from .imagenet_variants import VARIANTS
from .places import config_path
from .user_errors import add_traceback_option

# In the order of evaluation, cheap parts first.
ATTACKS = ('fgsm', 'pgd', 'curve', 'autoattack')
PARTS = (*VARIANTS, *ATTACKS)
# Without AutoAttack, which costs more than all others and is an extra.
DEFAULT_PARTS = tuple(part for part in PARTS if part != 'autoattack')
# Those that are not about ImageNet's own classes, labels or images.
PARTS_OF_ANY_LABEL_SPACE = ('imagenet', 'c', 'fgsm', 'pgd', 'curve')
# Budgets of Table 6, in 0-255 pixel values.
EPSILONS = (0, 1, 2, 4, 8)
# Options that name a data set's folder, by its short name.
FOLDERS = {
    'imagenet': '--imagenet',
    'v2': '--imagenetv2',
    'a': '--imagenet-a',
    'r': '--imagenet-r',
    'sketch': '--sketch',
    'c': '--imagenet-c',
}


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        description='Evaluate the robustness of a classifier: Tables 4 to 6 '
        'and Figure 3 of the AEMIM paper. Writes results.json, Markdown '
        'tables and curves. A run that was killed can be continued: '
        'the same command computes what is missing in OUT/cells. '
        'docs/robustness.md says where to get the data.',
    )
    model = parser.add_argument_group('model (CONFIG CHECKPOINT, or --timm)')
    model.add_argument(
        'config',
        nargs='?',
        type=config_path,
        metavar='CONFIG',
        help='config of a classifier; only its model and data_preprocessor '
        'count',
    )
    model.add_argument(
        'checkpoint_of_config',
        nargs='?',
        metavar='CHECKPOINT',
        help='its weights, path or URL',
    )
    model.add_argument('--timm', metavar='NAME', help='a model of timm')
    model.add_argument(
        '--checkpoint',
        metavar='FILE',
        help='weights for --timm. Defaults to those that timm downloads.',
    )
    model.add_argument(
        '--cfg-options',
        nargs='+',
        action=CfgOptions,
        metavar='KEY=VALUE',
        help='changes to CONFIG (model.backbone.drop_path_rate=0), or '
        'keyword arguments of timm.create_model (global_pool=avg)',
    )
    model.add_argument(
        '--input-size',
        type=int,
        metavar='PIXELS',
        help="width and height of the model's images. Defaults to the "
        "backbone's img_size in CONFIG (else 224), or to timm's.",
    )
    frozen = parser.add_argument_group(
        'frozen encoder',
        'With one of these, CONFIG CHECKPOINT are those of pre-training (or '
        'the model of --timm is built without its classifier), and what is '
        'evaluated by default are the parts without attacks.',
    )
    heads = frozen.add_mutually_exclusive_group()
    heads.add_argument(
        '--knn',
        metavar='TRAIN_DATA',
        help='classify by the 20 nearest of these training images (a folder '
        "of class folders), as DINO does; features are kept in OUT's cells",
    )
    heads.add_argument(
        '--linear-head',
        metavar='FILE',
        help='classify by this linear layer: a checkpoint of the '
        'linear-probing recipes, or a file of the tensors weight and bias',
    )
    frozen.add_argument(
        '--pooling',
        choices=POOLINGS,
        help='features of CONFIG: class token, or mean of the patches. '
        'Defaults to what FILE was trained on, else the token if there is '
        'one.',
    )
    data = parser.add_argument_group('data')
    data.add_argument(
        '--data-root', default='data', help='Defaults to %(default)s.'
    )
    for name, option in FOLDERS.items():
        data.add_argument(
            option,
            dest=f'folder_of_{name}',
            metavar='DIR',
            help=f'folder of {VARIANTS[name].title}. Defaults to '
            f'DATA_ROOT/{VARIANTS[name].folder}.',
        )
    attacked = data.add_mutually_exclusive_group()
    attacked.add_argument(
        '--attack-list',
        default='',
        metavar='FILE',
        help='lines "path label": the validation images to attack '
        '(tools/make_ares_list.py writes the list of the paper)',
    )
    attacked.add_argument(
        '--attack-all',
        action='store_true',
        help='attack all validation images; without this, or a list, more '
        'than the 5000 of the paper are refused (not with --classes)',
    )
    data.add_argument(
        '--classes',
        metavar='FILE',
        help='another label space than ImageNet-1K: the names of the class '
        "folders, one per line, in the order of the model's classes. There "
        'is then no mCE and no score.',
    )
    data.add_argument(
        '--native',
        action='store_true',
        help='all images have the input size: neither resize nor crop',
    )
    data.add_argument(
        '--strict',
        action='store_true',
        help='stop where a data set has other numbers of images or classes '
        'than the original, or not all classes of --classes, instead of a '
        'warning',
    )
    suite = parser.add_argument_group('what is evaluated')
    suite.add_argument(
        '--suite',
        nargs='+',
        choices=PARTS,
        metavar='PART',
        help=f'some of {", ".join(PARTS)}. Defaults to all but autoattack '
        '(which needs the package pyautoattack, and most of the time); with '
        f'--classes to {", ".join(PARTS_OF_ANY_LABEL_SPACE)}; for a frozen '
        'encoder to those of them that are no attack.',
    )
    suite.add_argument(
        '--corruptions',
        nargs='+',
        choices=CORRUPTIONS,
        default=CORRUPTIONS,
        metavar='NAME',
        help=f'some of {", ".join(CORRUPTIONS)}. Defaults to all, without '
        'which there is no mCE.',
    )
    suite.add_argument(
        '--severities',
        nargs='+',
        type=int,
        choices=SEVERITIES,
        default=SEVERITIES,
        metavar='N',
        help='some of 1 to 5. Defaults to all.',
    )
    suite.add_argument(
        '--epsilons',
        nargs='+',
        type=float,
        default=EPSILONS,
        metavar='E',
        help='budgets of FGSM, PGD and AutoAttack in pixel values of 255. '
        'Defaults to '
        f'{" ".join(map(str, EPSILONS))}.',
    )
    suite.add_argument(
        '--all-classes',
        action='store_true',
        help='also report accuracies on A and R among all 1000 classes, as '
        'a_all_classes and r_all_classes; published ones are among 200',
    )
    suite.add_argument(
        '--seed',
        type=int,
        default=0,
        help="of PGD's random starts and of AutoAttack. Defaults to "
        '%(default)s.',
    )
    run = parser.add_argument_group('run')
    run.add_argument(
        '--out', required=True, metavar='DIR', help='folder of the results'
    )
    run.add_argument(
        '--compare',
        nargs='+',
        metavar='JSON',
        help='instead of an evaluation, put these results.json side by side',
    )
    run.add_argument(
        '--batch-size',
        type=int,
        default=64,
        help='of each process. Defaults to %(default)s.',
    )
    run.add_argument(
        '--num-workers',
        type=int,
        default=4,
        help='loading processes of each process. Defaults to %(default)s.',
    )
    run.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='how the processes of a distributed run were started',
    )
    add_traceback_option(run)
    # torch's launchers pass either spelling.
    run.add_argument('--local_rank', '--local-rank', type=int, default=0)
    return parser


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; that of the process if ``argv`` is None."""
    parser = build_parser()
    args = parser.parse_args(argv)
    given = [
        name
        for name, value in (
            ('CONFIG CHECKPOINT', args.config),
            ('--timm', args.timm),
            ('--compare', args.compare),
        )
        if value is not None
    ]
    if len(given) != 1:
        parser.error(
            'give one of CONFIG CHECKPOINT, --timm NAME and --compare, but '
            f'got {" and ".join(given) or "none"}'
        )
    if args.config is not None and args.checkpoint_of_config is None:
        parser.error(f'{args.config} needs a CHECKPOINT behind it')
    if args.checkpoint is not None and args.timm is None:
        parser.error('--checkpoint is for --timm; write CONFIG CHECKPOINT')
    _check_frozen(parser, args)
    for name, least in (('batch_size', 1), ('num_workers', 0)):
        if getattr(args, name) < least:
            option = f'--{name.replace("_", "-")}'
            parser.error(f'{option} must be at least {least}')
    if args.input_size is not None and args.input_size < 1:
        parser.error('--input-size must be at least 1')
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def is_frozen(args: argparse.Namespace) -> bool:
    """Whether a head is put on a frozen encoder."""
    return args.knn is not None or args.linear_head is not None


def _check_frozen(
    parser: argparse.ArgumentParser, args: argparse.Namespace
) -> None:
    attacks = [part for part in args.suite or () if part in ATTACKS]
    if args.knn is not None and attacks:
        parser.error(
            f'{", ".join(attacks)} would attack a classifier of nearest '
            'neighbours, which has no useful gradient: use --linear-head '
            'FILE, or leave these parts out of --suite'
        )
    if is_frozen(args) and args.compare is not None:
        parser.error(
            '--knn and --linear-head are for an evaluation, not for --compare'
        )
    if args.pooling is None:
        return
    if not is_frozen(args):
        parser.error(
            f'--pooling {args.pooling} is for --knn and --linear-head'
        )
    if args.timm is not None:
        parser.error(
            f'--pooling {args.pooling} is for CONFIG: models of timm have '
            '--cfg-options global_pool=avg'
        )
