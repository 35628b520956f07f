# Copyright (c) aemim_mm contributors. All rights reserved.
"""The data sets that a config names, and lists of names in messages."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .run import Run

# So many names of a list are shown.
SHOWN = 12


def inner_datasets(run: Run, phase: str) -> Iterator[tuple[str, Any]]:
    """Places and configs of a phase's data sets, those in wrappers included.

    Args:
        run (Run): The run.
        phase (str): The phase.

    Yields:
        tuple[str, Mapping]: Place and config.
    """
    key = f'{phase}_dataloader.dataset'
    waiting = [(key, run.section(f'{phase}_dataloader').get('dataset'))]
    for path, config in waiting:
        if isinstance(config, list | tuple):
            waiting += [(f'{path}.{i}', c) for i, c in enumerate(config)]
        elif isinstance(config, Mapping):
            inner = [k for k in ('dataset', 'datasets') if config.get(k)]
            waiting += [(f'{path}.{k}', config[k]) for k in inner]
            if not inner:
                yield path, config


def shown(names: Iterable[str]) -> str:
    """Names for a message.

    Args:
        names (Iterable[str]): The names.

    Returns:
        str: The first of them, and how many there are.
    """
    names = list(names)
    text = ', '.join(names[:SHOWN]) or 'none'
    more = f' ... ({len(names)} in all)' if len(names) > SHOWN else ''
    return text + more
