# Copyright (c) aemim_mm contributors. All rights reserved.
"""Are pixels normalised as the weights know them?"""

import os
from collections.abc import Mapping
from typing import Any

from ..checkpoints import load_checkpoint_file
from ..checkpoints.config_text import parse_config
from ..checkpoints.content import local_file
from ..checkpoints.normalization import (
    config_normalization,
    stored_normalization,
)
from ..config_check.weights import first_on_machine
from .disagreement import Disagreement
from .origin import weights_now
from .run import Run

# In 0-255 units: published constants are rounded in different ways.
TOLERANCE = 0.5


def pixels_normalised_alike(run: Run) -> None:
    """Mean and standard deviation are those of the weights.

    A classifier is tested with those it was trained with. A new run may
    start with others, which is worth knowing.
    """
    tested = 'test' in run.phases
    now = config_normalization({**run.cfg, 'model': run.model})
    if not now or run.resumes_from or not first_on_machine(run.cfg):
        return
    inside = run.model.get('data_preprocessor') is not None
    place = 'model.data_preprocessor' if inside else 'data_preprocessor'
    files = weights_now(run)
    if tested:
        files = {'checkpoint': run.cfg.load_from}
    for key, file in files.items():
        then = _normalization_of(file)
        changes = _changes(then, now)
        if not changes:
            continue
        options = ' '.join(
            f'{place}.{name}={_short(then[name])}' for name in changes
        )
        text = (
            f'{key}: {file} was trained on pixels with {_listed(then)}, but '
            f'the config has {_listed(now)}. For the former, pass '
            f'--cfg-options {options}'
        )
        if tested:
            raise Disagreement(f'{text}.')
        run.notes.append(f'{text}; for the latter, do nothing.')


def _normalization_of(file: str) -> dict[str, Any]:
    path = local_file(os.fspath(file))
    if path is None:
        return {}
    try:
        meta = load_checkpoint_file(path).get('meta')
        if not isinstance(meta, Mapping):
            return {}
        said = stored_normalization(meta)
        return said or config_normalization(parse_config(meta['cfg']))
    # A damaged file, which another check names, or one that does not say
    except (KeyError, TypeError, ValueError):
        return {}


def _changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs, of what both say.

    Not the order of channels: it is that of the loader, too.
    """
    found = []
    for name in ('mean', 'std'):
        theirs: Any = then.get(name)
        ours: Any = now.get(name)
        if not all(isinstance(v, list | tuple) for v in (theirs, ours)):
            continue
        if len(ours) != len(theirs) or any(
            abs(a - b) > TOLERANCE for a, b in zip(ours, theirs, strict=True)
        ):
            found.append(name)
    return found


def _listed(pixels: Mapping[str, Any]) -> str:
    return ', '.join(
        f'{k}={_short(pixels[k])}' for k in ('mean', 'std') if k in pixels
    )


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f'[{",".join(f"{number:g}" for number in value)}]'
    return str(value)
