# Copyright (c) aemim_mm contributors. All rights reserved.
"""Data sets of a config before their files are read."""

import os.path as osp
from collections.abc import Callable, Iterator
from typing import Any

from mmengine.fileio import LocalBackend, get_file_backend
from mmpretrain.datasets import CustomDataset, ImageNet

from ..config_check import registries
from ..datasets import NamedFolders
from .names import inner_datasets
from .run import Run


def unread_datasets(
    run: Run, phase: str, wanted: Callable[[Any], bool]
) -> Iterator[tuple[str, Any, Any]]:
    """The data sets of a phase that are of a kind, without their images.

    Place, config and data set, where ``wanted`` is true of its class.
    """
    for key, config in inner_datasets(run, phase):
        name = config.get('type') or ''
        kind = registries.first('dataset', name, run.scope)
        if kind is None or not wanted(kind):
            continue
        given = {k: v for k, v in config.items() if k not in SKIPPED}
        try:
            dataset = kind(**given, lazy_init=True)
        except Exception:  # it is said when the run builds it
            continue
        yield key, config, dataset


def listed_datasets(
    run: Run, phase: str
) -> Iterator[tuple[str, CustomDataset]]:
    """Places and data sets of a phase that read a list with labels."""
    for key, _, dataset in unread_datasets(run, phase, STOCK.__contains__):
        listed = dataset.ann_file and osp.isfile(dataset.ann_file)
        if listed and dataset.with_label:
            yield key, dataset


def folder_datasets(
    run: Run, phase: str
) -> Iterator[tuple[str, Any, CustomDataset]]:
    """The data sets of a phase that are labelled by local class folders.

    Place, config and data set.
    """
    for found in unread_datasets(run, phase, STOCK.__contains__):
        dataset = found[2]
        root = dataset.img_prefix
        local = isinstance(get_file_backend(root), LocalBackend)
        labelled = dataset.with_label and not dataset.ann_file
        if labelled and local and osp.isdir(root):
            yield found


def stands_for_imagenet(dataset: CustomDataset) -> bool:
    """Whether the folders of a data set are the 1000 of ImageNet-1K.

    It is ``ImageNet`` without classes of its own.
    """
    own = ImageNet.METAINFO['classes']
    return isinstance(dataset, ImageNet) and dataset.CLASSES == own


STOCK = (CustomDataset, ImageNet, NamedFolders)
SKIPPED = ('type', '_scope_', 'lazy_init', 'pipeline')
