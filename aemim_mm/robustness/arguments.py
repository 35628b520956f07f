# Copyright (c) aemim_mm contributors. All rights reserved.
"""What the command line of ``tools/evaluate_robustness.py`` asks for."""

import argparse
from collections.abc import Sequence

from aemim_mm_cli.robustness_arguments import (
    ATTACKS,
    DEFAULT_PARTS,
    FOLDERS,
    PARTS_OF_ANY_LABEL_SPACE,
    is_frozen,
)

from .suite import SuiteOptions


def suite_options(args: argparse.Namespace) -> SuiteOptions:
    """What is evaluated.

    Args:
        args (argparse.Namespace): The options.

    Returns:
        SuiteOptions: The same for the suite.

    Raises:
        ValueError: If they contradict each other.
    """
    default: Sequence[str] = DEFAULT_PARTS
    if args.classes is not None:
        default = PARTS_OF_ANY_LABEL_SPACE
    if is_frozen(args):
        default = tuple(part for part in default if part not in ATTACKS)
    folders = {name: getattr(args, f'folder_of_{name}') for name in FOLDERS}
    return SuiteOptions(
        data_root=args.data_root,
        parts=args.suite or default,
        folders={k: v for k, v in folders.items() if v is not None},
        class_file=args.classes,
        attack_list=args.attack_list,
        corruptions=args.corruptions,
        severities=args.severities,
        epsilons=args.epsilons,
        seed=args.seed,
        all_classes=args.all_classes,
    )
