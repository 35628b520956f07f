# Copyright (c) aemim_mm contributors. All rights reserved.
"""Evaluate the robustness of a classifier, or of a frozen encoder."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# A checkout works without installation.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aemim_mm_cli.interruption import (  # noqa: E402
    Interrupted,
    catch_signals,
    release_signals,
)
from aemim_mm_cli.quiet import be_quiet  # noqa: E402
from aemim_mm_cli.robustness_arguments import parse_args  # noqa: E402
from aemim_mm_cli.user_errors import run_main  # noqa: E402

if __name__ == '__main__':
    # Help and mistakes are answered before torch is imported.
    parse_args()
    be_quiet()

from mmengine.device import get_device  # noqa: E402
from mmengine.dist import init_dist, is_main_process  # noqa: E402
from mmengine.utils.dl_utils import set_multi_processing  # noqa: E402

import aemim_mm  # noqa: E402, F401
from aemim_mm.checkpoints import use_safe_loader  # noqa: E402
from aemim_mm.launcher import (  # noqa: E402
    launch,
    run_options,
)
from aemim_mm.launcher.shortcuts import expand_shortcuts  # noqa: E402
from aemim_mm.robustness import (  # noqa: E402
    EvaluatedClassifier,
    ImageSource,
    Loading,
    check_attacked_images,
    load_config_classifier,
    load_config_encoder,
    load_timm_classifier,
    read_linear_probe,
    run_suite,
    survey_sources,
    with_linear_probe,
    with_neighbours,
)
from aemim_mm.robustness.arguments import suite_options  # noqa: E402
from aemim_mm.robustness.compare import compare_results  # noqa: E402
from aemim_mm.robustness.results_report import write_report  # noqa: E402
from aemim_mm.utils.read_config import read_config  # noqa: E402
from aemim_mm.utils.storage import check_writable  # noqa: E402


def load_classifier(args: argparse.Namespace) -> EvaluatedClassifier:
    """Load the model, onto the accelerator if there is one.

    Args:
        args (argparse.Namespace): The options.

    Returns:
        EvaluatedClassifier: The classifier.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If the checkpoint does not fit.
    """
    checkpoint = args.checkpoint_of_config or args.checkpoint
    if checkpoint is not None:
        run_options.check_checkpoint('checkpoint', checkpoint)
    if args.timm is not None:
        options = args.input_size, args.cfg_options, get_device()
        return load_timm_classifier(args.timm, checkpoint, *options)
    options = args.input_size, options_of_config(args), get_device()
    return load_config_classifier(args.config, checkpoint, *options)


def options_of_config(args: argparse.Namespace) -> dict[str, Any]:
    """What ``--cfg-options`` sets, the short names of the recipe replaced.

    Args:
        args (argparse.Namespace): The options.

    Returns:
        dict[str, Any]: Values by the keys of the config.
    """
    return expand_shortcuts(read_config(args.config), args.cfg_options)


def load_encoder(
    args: argparse.Namespace, pooling: str | None
) -> EvaluatedClassifier:
    """Load a model that returns features, onto the accelerator if any.

    Args:
        args (argparse.Namespace): The options.
        pooling (str, optional): 'token' or 'avg'; None takes the token if
            there is one.

    Returns:
        EvaluatedClassifier: The encoder.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If the checkpoint does not fit.
    """
    if args.timm is not None:
        if args.checkpoint is not None:
            run_options.check_checkpoint('checkpoint', args.checkpoint)
        return load_timm_classifier(
            args.timm,
            args.checkpoint,
            args.input_size,
            dict(args.cfg_options or {}, num_classes=0),
            get_device(),
        )
    run_options.check_checkpoint('checkpoint', args.checkpoint_of_config)
    return load_config_encoder(
        args.config,
        args.checkpoint_of_config,
        args.input_size,
        options_of_config(args),
        get_device(),
        pooling,
    )


def evaluate(args: argparse.Namespace) -> list[Path]:
    """Run the suite.

    Args:
        args (argparse.Namespace): The options.

    Returns:
        list[Path]: The files that this process has written.

    Raises:
        FileNotFoundError: If files are missing.
        ValueError: If something does not fit.
    """
    options = suite_options(args)
    check_writable(Path(args.out) / 'results.json')
    # As mmengine's Runner does: without it, workers of a distributed run
    # would start anew in every cell.
    set_multi_processing(distributed=args.launcher != 'none')
    if args.launcher != 'none':
        if launch.has_accelerator():
            init_dist(args.launcher)
        else:
            launch.init_gloo(args.launcher)
    sources = options.sources()
    if args.knn is not None:
        sources.append(
            ImageSource('train', 'train', args.knn, class_file=args.classes)
        )
    surveys = survey_sources(sources, args.strict)
    if not args.attack_all:
        check_attacked_images(options, surveys)
    loading = Loading(args.batch_size, args.num_workers, args.native)
    if args.linear_head is not None:
        probe = read_linear_probe(args.linear_head)
        encoder = load_encoder(args, args.pooling or probe.pooling)
        classifier = with_linear_probe(encoder, probe)
    elif args.knn is not None:
        classifier = with_neighbours(
            load_encoder(args, args.pooling),
            sources[-1],
            surveys,
            args.out,
            loading,
        )
    else:
        classifier = load_classifier(args)
    results = run_suite(classifier, options, surveys, args.out, loading)
    if results is None:
        return []
    out = Path(args.out)
    return [out / 'results.json', *write_report(results, out)]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool.

    Returns:
        int: 0 if it is done, 130 after Ctrl-C, 143 after SIGTERM.

    Raises:
        OSError: If a file cannot be read or written.
        ValueError: If something is wrong with what was given.
    """
    use_safe_loader()
    args = parse_args(argv)
    before = catch_signals()
    try:
        if args.compare is not None:
            paths = compare_results(
                [Path(p) for p in args.compare], Path(args.out)
            )
        else:
            paths = evaluate(args)
    except Interrupted as stop:
        if is_main_process():
            finished = (
                f' The finished parts are in {Path(args.out) / "cells"}; run '
                'the same command again to continue.'
            )
            print(
                f'\nInterrupted.{"" if args.compare else finished}',
                file=sys.stderr,
            )
        return stop.code
    finally:
        release_signals(before)
    for path in paths:
        print(path)
    launch.shut_down()
    return 0


if __name__ == '__main__':
    run_main(main)
