# Copyright (c) aemim_mm contributors. All rights reserved.
"""Do data sets and evaluators of COCO's format speak of its categories?"""

import json
import mmap
import os.path as osp
from collections import Counter

from ..utils import near_misses
from .disagreement import Disagreement
from .names import evaluators, shown
from .run import Run
from .unread import unread_datasets


def coco_categories(run: Run) -> None:
    """``metainfo.classes`` are categories of the JSON, in its order."""
    orders: dict[tuple[str, ...], tuple[str, list[str]]] = {}
    for phase in run.phases:
        for key, _, dataset in unread_datasets(run, phase, _reads_categories):
            path = dataset.ann_file
            if osp.isfile(path):
                kind = type(dataset)
                classes = list(dataset.metainfo['classes'])
                own = classes == list(kind.METAINFO.get('classes', ()))
                place = f'{key}.metainfo.classes'
                place += f' (those of {kind.__name__} itself)' if own else ''
                used = _compare(place, path, classes, in_order=not own)
                first, order = orders.setdefault(tuple(classes), (path, used))
                if used != order:
                    raise Disagreement(
                        f'{place}: mmdet numbers classes in the order of the '
                        f'categories, which is {shown(used)} in {path}, but '
                        f'{shown(order)} in {first}: a label would mean '
                        'different things. Give both files one order.'
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


def _reads_categories(kind: type) -> bool:
    """Whether a data set takes those categories that are its classes."""
    load = getattr(kind, 'load_data_list', None)
    name = getattr(load, '__qualname__', '')
    return name == 'CocoDataset.load_data_list'


def _compare(
    place: str, path: str, classes: list[str], in_order: bool
) -> list[str]:
    """The classes in a JSON's order, or raise if they are none of its."""
    names = _category_names(path)
    lacking = [name for name in classes if name not in names]
    if lacking:
        hints = ''.join(near_misses(name, names) for name in lacking[:3])
        raise Disagreement(
            f'{place} has {shown(lacking)}, but the categories of {path} are '
            f'{shown(names)}: the other classes would close up.{hints} '
            'Give the names of the JSON.'
        )
    used = [name for name in names if name in set(classes)]
    doubled = [name for name, count in Counter(used).items() if count > 1]
    if doubled:
        raise Disagreement(
            f'{place} has {shown(doubled)} once, but {path} has several '
            'categories of this name: labels behind it would be shifted. '
            'Rename or merge them in the JSON.'
        )
    if in_order and used != classes:
        raise Disagreement(
            f'{place} has the order {shown(classes)}, but mmdet numbers '
            f'classes in the order of the categories of {path}: '
            f'{shown(used)}. Give the classes in that order.'
        )
    return used


def _category_names(path: str) -> list[str]:
    """Names of the categories, without reading the annotations again."""
    decoder = json.JSONDecoder()
    if not osp.getsize(path):
        raise Disagreement(f"{path} is empty, and no JSON of COCO's format.")
    with (
        open(path, 'rb') as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        start = content.find(b'[', content.rfind(b'"categories"'))
        end = content.find(b']', start) + 1
        while end:
            try:
                found, _ = decoder.raw_decode(content[start:end].decode())
                return [category['name'] for category in found]
            except json.JSONDecodeError:  # a list within the list
                end = content.find(b']', end) + 1
    raise Disagreement(f'{path} has no list of categories.')
