# Copyright (c) aemim_mm contributors. All rights reserved.
"""Rows of a table that differ by options alone have their own directories."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

# Options that make another run. Not those of its length and its batch: a run
# is resumed with other ones.
CHANGES_THE_RUN = re.compile(
    r'model\.(?!.*with_cp$)|data_preprocessor\.|randomness\.seed$'
    r'|load_from$|optim_wrapper\.(optimizer|paramwise_cfg)\.'
    r'|(train_pipeline|train_dataloader\.dataset\.(.*\.)?pipeline)\b'
)
WEIGHTS = re.compile(r'(init_cfg(\.\d+)?\.checkpoint|^load_from)$')
LONGEST = 80


def suffix(options: Mapping[str, object]) -> str:
    """What distinguishes a run from that of its config file, as a name.

    Such as ``'_from-mae-epoch_300'``, by the folder and the file of a
    checkpoint, or ``'_model.adv_ratio=0.5'``, of the values of
    ``--cfg-options``; a hash where that would be too long or no plain name.
    Empty if nothing does.
    """
    parts = []
    changes = [
        each for each in options.items() if CHANGES_THE_RUN.match(each[0])
    ]
    for key, value in sorted(changes):
        if WEIGHTS.search(key):
            file = str(value)
            path = Path(file)
            if '://' not in file:
                path = path.expanduser().absolute()
            parts.append(f'_from-{path.parent.name}-{path.stem}')
        else:
            place = '.'.join(key.split('.')[-2:])
            parts.append(f'_{place}={value}')
    text = ''.join(parts)
    if len(text) <= LONGEST and re.fullmatch(r'[\w.=+-]*', text):
        return text
    digest = hashlib.sha256(repr(sorted(changes)).encode()).hexdigest()
    return f'_{digest[:8]}'
