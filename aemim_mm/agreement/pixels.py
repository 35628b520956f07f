# Copyright (c) aemim_mm contributors. All rights reserved.
"""Are pixels normalised as the weights know them?"""

import os
from typing import Any

from ..checkpoints import load_checkpoint_file
from ..checkpoints.content import local_file
from ..checkpoints.normalization import other_pixels, told_normalization
from ..config_check.weights import first_on_machine
from .disagreement import Disagreement
from .origin import weights_now
from .run import Run


def pixels_normalised_alike(run: Run) -> None:
    """Mean and standard deviation are those of the weights.

    A classifier is tested with those it was trained with. A new run may
    start with others, which is worth knowing.
    """
    tested = 'test' in run.phases
    if run.resumes_from or not first_on_machine(run.cfg):
        return
    files = weights_now(run)
    if tested:
        files = {'checkpoint': run.cfg.load_from}
    config = {**run.cfg, 'model': run.model}
    for key, file in files.items():
        other = other_pixels(_normalization_of(file), config)
        if other is None:
            continue
        if tested:
            raise Disagreement(f'{key}: {file} {other}.')
        run.notes.append(f'{key}: {file} {other}; for the latter, do nothing.')


def _normalization_of(file: str) -> dict[str, Any]:
    path = local_file(os.fspath(file))
    if path is None:
        return {}
    try:
        return told_normalization(load_checkpoint_file(path).get('meta'))
    # A damaged file, which another check names
    except ValueError:
        return {}
