# Copyright (c) aemim_mm contributors. All rights reserved.
"""Do data sets, heads and evaluators speak of the same classes?"""

import os.path as osp
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from .disagreement import Disagreement
from .names import evaluators, inner_datasets, shown
from .run import Run


def class_names_are_a_list(run: Run) -> None:
    """``metainfo.classes`` is a list of names, or a file of them."""
    for phase in run.phases:
        for key, config in inner_datasets(run, phase):
            classes = (config.get('metainfo') or {}).get('classes') or ()
            if isinstance(classes, str):
                if osp.isfile(classes):
                    continue
                raise Disagreement(
                    f'{key}.metainfo.classes={classes!r} is a text, which '
                    'counts as the name of a file of classes, but there is '
                    f'no such file. For one class write ({classes!r},).'
                )
            counts = Counter(classes)
            doubled = [name for name, count in counts.items() if count > 1]
            if doubled:
                raise Disagreement(
                    f'{key}.metainfo.classes names {shown(doubled)} more than '
                    f'once: {shown(classes)} are {len(classes)} labels for '
                    f'{len(counts)} classes. Name each class once.'
                )


def same_classes_everywhere(run: Run) -> None:
    """What training, evaluation and a tested checkpoint call a label."""
    known = list(_sources(run))
    for place, classes in known[1:]:
        first, others = known[0]
        if _contradict(others, classes, run.model_is('BaseDetector')):
            raise Disagreement(
                f'{place} has the classes {shown(classes)}, but {first} has '
                f'{shown(others)}: a label would mean different things. Give '
                'both the same classes in the same order '
                '(dataset.metainfo.classes).'
            )


def number_of_classes(run: Run) -> None:
    """Heads and preprocessor have as many classes as the data."""
    if not (run.model_is('BaseClassifier') or run.model_is('BaseDetector')):
        return
    for place, classes in _sources(run):
        wrong = [
            (key, number)
            for key, number in _numbers(run)
            if number != len(classes)
        ]
        if wrong:
            stated = ', '.join(f'{key}={number}' for key, number in wrong)
            options = ' '.join(f'{key}={len(classes)}' for key, _ in wrong)
            raise Disagreement(
                f'{stated}, but {place} has {len(classes)} classes '
                f'({shown(classes)}). Pass --cfg-options {options}, or '
                'correct the data.'
            )


def numbers_agree(run: Run) -> None:
    """The parts of a model have the same number of classes."""
    if not (run.model_is('BaseClassifier') or run.model_is('BaseDetector')):
        return
    numbers = list(_numbers(run))
    for key, number in numbers[1:]:
        if number != numbers[0][1]:
            raise Disagreement(
                f'{numbers[0][0]}={numbers[0][1]}, but {key}={number}: both '
                'are the number of classes. Give them the same.'
            )


def _sources(run: Run) -> Iterator[tuple[str, Sequence[str]]]:
    """Who names classes, and which; a tested checkpoint first."""
    if run.checkpoint_classes:
        yield run.checkpoint_name, run.checkpoint_classes
    for phase in run.phases:
        classes = _classes(run.dataset(phase))
        if classes:
            yield f'{phase}_dataloader.dataset', classes


def _classes(dataset: object) -> Sequence[str]:
    """The classes of a data set, none where it does not name them."""
    metainfo = getattr(dataset, 'metainfo', None) or {}
    classes = metainfo.get('classes')
    # Panoptic heads count things and stuff apart.
    if 'thing_classes' in metainfo or not classes:
        return ()
    if getattr(dataset, 'with_label', True) is False:
        return ()
    return () if isinstance(classes, str) else tuple(classes)


def _contradict(
    first: Sequence[str], second: Sequence[str], all_of_them: bool
) -> bool:
    """Whether a label means one class here and another one there.

    Lists without a common name may be the same in other words, such as
    WordNet ids and names of classes.
    """
    if all_of_them or list(first) == list(second):
        return list(first) != list(second)
    places = {name: place for place, name in enumerate(first)}
    return bool(places.keys() & set(second)) and any(
        places.get(name) != place for place, name in enumerate(second)
    )


def _numbers(run: Run) -> Iterator[tuple[str, int]]:
    """Keys and values of all that states the number of classes."""
    path = 'model' if run.model is run.section('model') else 'model.module'
    parts = {
        f'{path}.{key}': run.model.get(key)
        for key in ('head', 'bbox_head', 'mask_head')
    }
    roi = run.model.get('roi_head') or {}
    for key in ('bbox_head', 'mask_head'):
        parts[f'{path}.roi_head.{key}'] = roi.get(key)
    parts[f'{path}.data_preprocessor'] = run.model.get('data_preprocessor')
    if not run.model.get('data_preprocessor'):
        parts['data_preprocessor'] = run.cfg.get('data_preprocessor')
    for key, part in parts.items():
        several = part if isinstance(part, list | tuple) else [part]
        for index, item in enumerate(several):
            if isinstance(item, Mapping) and item.get('num_classes'):
                place = f'{key}.{index}' if part is several else key
                yield f'{place}.num_classes', item['num_classes']
    for phase in set(run.phases) & {'val', 'test'}:
        for key, metric in evaluators(run, phase):
            if metric.get('num_classes'):
                yield f'{key}.num_classes', metric['num_classes']
