# Copyright (c) aemim_mm contributors. All rights reserved.
"""Do data sets, heads and evaluators speak of the same classes?"""

import json
import os.path as osp
from collections.abc import Iterator, Mapping, Sequence

from ..utils import near_misses
from .disagreement import Disagreement
from .figures import evaluators
from .labels import inner_datasets, shown
from .run import Run


def class_names_are_a_list(run: Run) -> None:
    """``metainfo.classes`` is a list of names, or a file of them."""
    for phase in run.phases:
        for key, config in inner_datasets(run, phase):
            classes = (config.get('metainfo') or {}).get('classes')
            if isinstance(classes, str) and not osp.isfile(classes):
                raise Disagreement(
                    f'{key}.metainfo.classes={classes!r} is a text, which '
                    'counts as the name of a file of classes, but there is '
                    f'no such file. For one class write ({classes!r},).'
                )


def coco_categories(run: Run) -> None:
    """Every class of ``metainfo.classes`` is a category of the JSON."""
    for phase in run.phases:
        try:
            dataset = run.dataset(phase)
        except Disagreement as error:
            # Without any of the classes, no image is left.
            config = run.section(f'{phase}_dataloader')['dataset']
            classes = (config.get('metainfo') or {}).get('classes') or ()
            file = osp.join(
                config.get('data_root') or '', config.get('ann_file') or ''
            )
            if file.endswith('.json') and osp.isfile(file):
                _compare_categories(phase, file, classes)
            raise error
        categories = getattr(dataset, 'cat_ids', None)
        classes = _classes(dataset)
        if categories is not None and len(categories) != len(classes):
            _compare_categories(phase, dataset.ann_file, classes)


def _compare_categories(phase: str, path: str, classes: Sequence[str]) -> None:
    """Raise if a class is no category of a JSON of COCO's format."""
    with open(path, encoding='utf-8') as file:
        names = [c['name'] for c in json.load(file)['categories']]
    lacking = [name for name in classes if name not in names]
    if lacking:
        hints = ''.join(near_misses(name, names) for name in lacking[:3])
        raise Disagreement(
            f'{phase}_dataloader.dataset.metainfo.classes has '
            f'{shown(lacking)}, but the categories of {path} are '
            f'{shown(names)}: the other classes would close up.{hints} '
            'Give the names of the JSON.'
        )


def same_classes_everywhere(run: Run) -> None:
    """What training, evaluation and a tested checkpoint call a label."""
    known = [
        (f'{phase}_dataloader.dataset', _classes(run.dataset(phase)))
        for phase in run.phases
    ]
    if run.checkpoint_classes:
        place = f'the checkpoint {run.cfg.load_from}'
        known.insert(0, (place, run.checkpoint_classes))
    known = [(place, classes) for place, classes in known if classes]
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
    for phase in run.phases:
        classes = _classes(run.dataset(phase))
        for key, number in _numbers(run):
            if classes and number != len(classes):
                raise Disagreement(
                    f'{key}={number}, but {phase}_dataloader.dataset has '
                    f'{len(classes)} classes ({shown(classes)}). Pass '
                    f'--cfg-options {key}={len(classes)}, or correct the '
                    'data.'
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


def evaluator_reads_the_same(run: Run) -> None:
    """A COCO evaluator has the annotations of the data set it judges."""
    for phase in set(run.phases) & {'val', 'test'}:
        read = getattr(run.dataset(phase), 'ann_file', None)
        for key, metric in evaluators(run, phase):
            file = metric.get('ann_file')
            if not (file and read) or '://' in file or '://' in read:
                continue
            if osp.realpath(file) != osp.realpath(read):
                raise Disagreement(
                    f'{key}.ann_file={file!r}, but '
                    f'{phase}_dataloader.dataset reads {read!r}: images would '
                    'be judged by the annotations of others. Give both the '
                    'same file.'
                )


def _classes(dataset: object) -> Sequence[str]:
    """The classes of a data set, none where it does not name them."""
    metainfo = getattr(dataset, 'metainfo', None) or {}
    classes = metainfo.get('classes')
    if getattr(dataset, 'with_label', True) is False or not classes:
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
    return any(
        places.get(name, place) != place for place, name in enumerate(second)
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
