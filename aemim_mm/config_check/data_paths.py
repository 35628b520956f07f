# Copyright (c) aemim_mm contributors. All rights reserved.
import glob
import os
import os.path as osp
import re
from collections.abc import Iterator, Mapping, Sequence

from mmengine.config import Config
from mmpretrain.datasets import CustomDataset

from ..utils import allowed_keys
from . import registries


def check_data_paths(cfg: Config, phases: Sequence[str]) -> None:
    """Make sure that the data sets of some phases of a run are there.

    Checked are ``data_root``, ``data_prefix`` and ``ann_file`` of every data
    set in local storage. Data sets that download themselves are exempt.
    FileNotFoundError names the key, the path and what belongs there.
    """
    scope = cfg.get('default_scope', 'mmengine')
    for phase in phases:
        loader = cfg.get(f'{phase}_dataloader', None)
        if isinstance(loader, Mapping):
            path = f'{phase}_dataloader.dataset'
            for key, dataset in _datasets(loader.get('dataset', None), path):
                _check_dataset(dataset, key, scope)


def _datasets(value: object, path: str) -> Iterator[tuple[str, Mapping]]:
    """Place and config of all data sets, those within wrappers included."""
    if isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _datasets(item, f'{path}.{index}')
    elif isinstance(value, Mapping):
        yield path, value
        for key in ('dataset', 'datasets'):
            yield from _datasets(value.get(key, None), f'{path}.{key}')


def _check_dataset(dataset: Mapping, key: str, scope: str | None) -> None:
    """Check the paths of one data set."""
    backend = dataset.get('backend_args', None) or {}
    if backend.get('backend', 'local') not in ('local', 'disk'):
        return
    if downloads(dataset, scope):
        return
    kind = dataset.get('type', 'the data set')
    kind = kind if isinstance(kind, str) else kind.__name__
    root = dataset.get('data_root', None) or ''
    if root:
        what = f'the root folder of {kind}'
        _require(root, f'{key}.data_root', what)
    prefix = dataset.get('data_prefix', None) or ''
    if isinstance(prefix, str):
        prefix = {'': prefix}
    for name, folder in prefix.items():
        if folder and isinstance(folder, str):
            where = f'{key}.data_prefix' + (f'.{name}' if name else '')
            what = f'a folder with the files of {kind}'
            path = osp.join(root, osp.expanduser(folder))
            _require(path, where, what, is_prefix=True)
    files = dataset.get('ann_file', None) or []
    for file in [files] if isinstance(files, str) else files:
        if isinstance(file, str):
            what = f'the annotation file of {kind}'
            # A list of files has no empty value on the command line.
            optional = file is files and _lists_folders(dataset, scope)
            way_out = (
                f', or --cfg-options {key}.ann_file= for every image of the '
                'folder'
                if optional
                else ''
            )
            path = osp.join(root, osp.expanduser(file))
            _require(path, f'{key}.ann_file', what, way_out)


def _class_of(dataset: Mapping, scope: str | None) -> object:
    """The class or function of a data set, if it can be found."""
    name = dataset.get('type', None) or ''
    return registries.first('dataset', name, scope)


def downloads(dataset: Mapping, scope: str | None) -> bool:
    """Whether a data set fetches itself if it is not there."""
    found = _class_of(dataset, scope)
    if found is None or not dataset.get('download', True):
        return False
    return 'download' in (allowed_keys(found) or ())


def _lists_folders(dataset: Mapping, scope: str | None) -> bool:
    """Whether a data set does without ``ann_file``: its folder is read."""
    found = _class_of(dataset, scope)
    return (
        isinstance(found, type)
        and issubclass(found, CustomDataset)
        and found.load_data_list is CustomDataset.load_data_list
    )


def _require(
    path: str,
    key: str,
    what: str,
    way_out: str = '',
    is_prefix: bool = False,
) -> None:
    """Raise unless a local path, or with ``is_prefix`` its start, exists."""
    # What has a scheme (`s3://`) is not local.
    if re.match(r'^[A-Za-z][\w+.-]+:', path):
        return
    path = osp.expanduser(path)
    if osp.exists(path):
        return
    if is_prefix and glob.glob(glob.escape(path) + '*'):
        return
    raise FileNotFoundError(
        f'{key}: "{path}" does not exist (current directory: {os.getcwd()}). '
        f'It should be {what}: put or link it there, or pass '
        f'--cfg-options {key}=PATH{way_out}.'
    )
