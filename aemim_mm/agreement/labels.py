# Copyright (c) aemim_mm contributors. All rights reserved.
"""Do the labels of the data sets mean the same classes?"""

import os.path as osp
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mmengine.fileio import LocalBackend, get_file_backend
from mmpretrain.datasets import CustomDataset, ImageNet
from mmpretrain.datasets.custom import find_folders

from ..config_check import registries
from ..datasets.label_spaces import synset_to_index
from ..datasets.named_folders import class_folders
from .disagreement import Disagreement
from .run import Run

# So many names of a list are shown.
SHOWN = 12


def folders_by_name(run: Run) -> None:
    """Label class folders by the names of the training set's folders.

    Where every set has the same folders, mmpretrain's labels are right and
    the config is left as it is.
    """
    known, source = None, ''
    for phase in run.phases:
        for key, config in inner_datasets(run, phase):
            root = _folder_root(run, config)
            if root is None:
                continue
            names = class_folders(root)
            if known is None:
                known, source = names, f'{key} ({root})'
                stored = run.checkpoint_classes
                # It may hold other words for the folders' names.
                if set(stored) & set(names):
                    known = stored
                    source = f'the checkpoint {run.cfg.load_from}'
            strangers = sorted(set(names) - set(known))
            if strangers:
                raise Disagreement(
                    f'{key} ({root}) has the class folder(s) '
                    f'{shown(strangers)}, which {source} lacks: the one has '
                    f'{shown(names)}, the other {shown(known)}. Rename or '
                    'remove folders, so that each class has the same name '
                    'everywhere.'
                )
            hidden = _hidden_folders(root)
            if names == list(known) and not hidden:
                continue
            config['type'] = 'NamedFolders'
            config['folders'] = list(known)
            missing = sorted(set(known) - set(names))
            why = [f'without {shown(missing)}'] if missing else []
            why += [f'hidden: {shown(hidden)}'] if hidden else []
            run.notes.append(
                f'{key}: labels by the names of the folders of {source} '
                f'({"; ".join(why) or "in its order"}).'
            )


def imagenet_folders(run: Run) -> None:
    """The folders of ``ImageNet`` are the 1000 that its labels stand for."""
    for phase in run.phases:
        for key, config in inner_datasets(run, phase):
            root = _folder_root(run, config, ImageNet)
            if root is None:
                continue
            names = set(class_folders(root)) | set(_hidden_folders(root))
            ids = set(synset_to_index())
            if names != ids:
                raise Disagreement(
                    f'{key} ({root}): ImageNet stands for 1000 folders named '
                    f'by WordNet id, but here {shown(sorted(ids - names))} '
                    f'are lacking and {shown(sorted(names - ids))} are '
                    'others: labels would be shifted. For a part of the '
                    'classes or other classes use type=CustomDataset or '
                    'ImageNetVariant.'
                )


def lists_within_classes(run: Run) -> None:
    """Labels of a list are numbers from 0 to the head's last class."""
    classes = (run.model.get('head') or {}).get('num_classes')
    if not run.model_is('BaseClassifier') or not isinstance(classes, int):
        return
    for phase in run.phases:
        for key, config in inner_datasets(run, phase):
            if config.get('ann_file') and _is(run, config, CustomDataset):
                path = osp.join(
                    osp.expanduser(config.get('data_root') or ''),
                    osp.expanduser(config['ann_file']),
                )
                if config.get('with_label', True) and osp.isfile(path):
                    _check_list(f'{key}.ann_file', path, classes)


def _check_list(key: str, path: str, classes: int) -> None:
    """Read the labels of a list."""
    smallest, largest, place = classes, -1, 0
    with open(path, encoding='utf-8') as file:
        for number, line in enumerate(file, 1):
            parts = line.split()
            if not parts:
                continue
            label = parts[-1]
            if len(parts) < 2 or not label.isdecimal():
                raise Disagreement(
                    f'{key}: line {number} of {path}, {line.strip()!r}, is '
                    'not "PATH LABEL" with a label from 0 to '
                    f'{classes - 1}, which with_label=True asks for. Correct '
                    'the line; for images without labels set '
                    'with_label=False.'
                )
            label = int(label)
            smallest = min(smallest, label)
            if label > largest:
                largest, place = label, number
    if largest < classes:
        return
    if smallest == 1 and largest == classes:
        raise Disagreement(
            f'{key}: the labels of {path} run from 1 to {largest}, as if '
            f'counted from one, but model.head.num_classes={classes} means '
            f'labels from 0 to {classes - 1}. Subtract 1 from every label.'
        )
    raise Disagreement(
        f'{key}: line {place} of {path} has label {largest}, but '
        f'model.head.num_classes={classes} means labels from 0 to '
        f'{classes - 1}. Correct the list or num_classes (of '
        'data_preprocessor, too).'
    )


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


def _is(run: Run, config: Mapping, kind: type) -> bool:
    """Whether a data set is of exactly this class."""
    name = config.get('type') or ''
    return next(iter(registries.find('dataset', name, run.scope)), 0) is kind


def _folder_root(
    run: Run, config: Mapping, kind: type = CustomDataset
) -> str | None:
    """The local folder of class folders that a data set reads, if it does."""
    if not _is(run, config, kind):
        return None
    dataset = kind(**{**_arguments(config), 'lazy_init': True, 'pipeline': []})
    if dataset.ann_file or not dataset.with_label:
        return None
    root = dataset.img_prefix
    local = isinstance(get_file_backend(root), LocalBackend)
    return root if local and osp.isdir(root) else None


def _arguments(config: Mapping) -> dict:
    """What a config hands to a constructor."""
    return {k: v for k, v in config.items() if k not in ('type', '_scope_')}


def _hidden_folders(root: str) -> list[str]:
    """Hidden folders beside the class folders."""
    return [name for name in find_folders(root)[0] if name[0] == '.']
