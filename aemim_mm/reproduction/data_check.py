# Copyright (c) aemim_mm contributors. All rights reserved.
"""Are the data of all steps there, before the first one runs?"""

import os
from collections.abc import Iterator

from mmengine.config import Config

from aemim_mm_cli.cfg_options import parse_value
from aemim_mm_cli.places import HOME, ROOT
from aemim_mm_cli.robustness_arguments import ATTACKS, build_parser

from ..config_check.data_paths import check_data_paths
from ..robustness.arguments import suite_options
from .plan import Plan
from .steps import Step

SUITE = 'tools/evaluate_robustness.py'


def missing_data(plan: Plan) -> list[str]:
    """What the steps of a plan read and is not there, one line for each thing.

    Folders and lists are looked for, images are not counted. The plan's own
    data have been made before.
    """
    found: dict[str, None] = {}
    here = os.getcwd()
    # Paths of the configs are those of the repository.
    os.chdir(ROOT)
    try:
        for chain in plan.chains:
            for step in chain:
                found.update(dict.fromkeys(_missing(step)))
    finally:
        os.chdir(here)
    return list(found)


def _missing(step: Step) -> Iterator[str]:
    if step.trains and step.configs:
        cfg = Config.fromfile(HOME / step.configs[0])
        place = step.command.index('--cfg-options') + 1
        pairs = [word.partition('=') for word in step.command[place:]]
        cfg.merge_from_dict({k: parse_value(v) for k, _, v in pairs})
        for phase in ('train', 'val'):
            try:
                check_data_paths(cfg, [phase])
            except FileNotFoundError as error:
                yield str(error)
    elif SUITE in step.command:
        place = step.command.index(SUITE) + 1
        args = build_parser().parse_args(step.command[place:])
        options = suite_options(args)
        for source in options.sources():
            if not os.path.isdir(source.root):
                yield f'{source.root} ({source.name} of the robustness suite)'
        used = set(options.parts) & set(ATTACKS) and args.attack_list
        if used and not os.path.isfile(args.attack_list):
            yield f'{args.attack_list} (--attack-list of the robustness suite)'
