# Copyright (c) aemim_mm contributors. All rights reserved.
"""Data sets and metrics that a config names, and names in messages."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .run import Run

# So many names of a list are shown.
SHOWN = 12


def inner_datasets(run: Run, phase: str) -> Iterator[tuple[str, Any]]:
    """Places and configs of a phase's data sets, also of those in wrappers."""
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


def evaluators(run: Run, phase: str) -> Iterator[tuple[str, Mapping]]:
    """Places and configs of the metrics of a phase."""
    key = f'{phase}_evaluator'
    section = run.cfg.get(key) or ()
    if isinstance(section, Mapping) and 'metrics' in section:
        key, section = f'{key}.metrics', section['metrics']
    if isinstance(section, Mapping):
        yield key, section
        return
    for index, metric in enumerate(section):
        if isinstance(metric, Mapping) and 'type' in metric:
            yield f'{key}.{index}', metric


def shown(names: Iterable[str]) -> str:
    """Names for a message: the first of them, and how many there are."""
    names = list(names)
    text = ', '.join(names[:SHOWN]) or 'none'
    more = f' ... ({len(names)} in all)' if len(names) > SHOWN else ''
    return text + more
