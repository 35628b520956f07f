# Copyright (c) aemim_mm contributors. All rights reserved.
"""How many images are attacked: a choice that is not made in silence."""

from collections.abc import Mapping

from aemim_mm_cli.places import tool
from aemim_mm_cli.robustness_arguments import ATTACKS

from .sources import Survey
from .suite import SuiteOptions

# Of Table 6 and Figure 3: those of ARES-Bench.
PAPER_IMAGES = 5000


def check_attacked_images(
    options: SuiteOptions, surveys: Mapping[str, Survey]
) -> None:
    """Refuse to attack more images than the paper without being told to.

    Args:
        options (SuiteOptions): The parts and their settings.
        surveys (Mapping[str, Survey]): The data, by the sources' names.

    Raises:
        ValueError: If a part attacks more than 5000 images of ImageNet-1K's
            label space and there is no list of them. The message has the
            commands that write the paper's list.
    """
    parts = [part for part in ATTACKS if part in options.parts]
    if not parts or options.attack_list or options.class_file is not None:
        return
    survey = surveys[options.source(parts[0]).name]
    if survey.images <= PAPER_IMAGES:
        return
    raise ValueError(
        f'{", ".join(parts)} would attack all {survey.images} images of '
        f'{survey.folder}. Table 6 and Figure 3 of the paper are about the '
        f'{PAPER_IMAGES} of ARES-Bench. Their list:\n'
        '  pip download --no-deps robustbench==1.1.1\n'
        '  unzip -p robustbench-*.whl '
        'robustbench/helper_files/imagenet_test_image_ids.txt > ids.txt\n'
        f'  python {tool("make_ares_list.py")} --ids ids.txt '
        f'data/ares{PAPER_IMAGES}.txt\n'
        f'Give it with --attack-list data/ares{PAPER_IMAGES}.txt, or attack '
        'all images with --attack-all. docs/robustness.md, "The 5000 images", '
        'says more.'
    )
