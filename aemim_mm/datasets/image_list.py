# Copyright (c) aemim_mm contributors. All rights reserved.
"""Lists of images with labels: lines ``path label``."""

import os.path as osp
from collections.abc import Callable

from ..utils.storage import read_text


def read_image_list(
    path: str,
    root: str,
    num_classes: int,
    folder_labels: Callable[[list[str]], dict[str, int]],
) -> list[tuple[str, int]]:
    """Read a list and hold it against the images and their folders.

    The list's labels count. Where an image lies in a class folder, the
    folder's name has to agree: ids of ImageNet's devkit (1 to 1000, in an
    order of their own) look like labels and are none.

    Args:
        path (str): The list. Empty lines do not count.
        root (str): The folder that the paths are relative to.
        num_classes (int): Labels are below it.
        folder_labels (Callable): Gives the labels of class folders by name.
            Raises ValueError where a name is none of a class.

    Returns:
        list[tuple[str, int]]: Relative path and label, in the list's order.

    Raises:
        FileNotFoundError: If the list or an image is missing.
        ValueError: If a line cannot be read, an image stands there twice, or
            a label is outside the label space or not that of the folder.
    """
    if not osp.isfile(path):
        raise FileNotFoundError(f'there is no list of images {path}')
    lines = read_text(path).splitlines()
    samples = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        name, _, label = line.strip().rpartition(' ')
        name = name.rstrip()
        # `isdecimal` alone takes digits of all scripts.
        if not name or not (label.isascii() and label.isdecimal()):
            raise ValueError(
                f'{path}, line {number}: {line!r} is not "path label"'
            )
        if int(label) >= num_classes:
            raise ValueError(
                f'{path}, line {number}: label {label}, but there are '
                f'{num_classes} classes, numbered from 0'
            )
        if name in samples:
            raise ValueError(f'{path}, line {number}: {name} is named twice')
        samples[name] = int(label)
    _check_folders(path, samples, folder_labels)
    missing = [
        name for name in samples if not osp.isfile(osp.join(root, name))
    ]
    if missing:
        raise FileNotFoundError(
            f'{len(missing)} of the {len(samples)} images in {path} are not '
            f'in {root}, the first is {missing[0]}'
        )
    return list(samples.items())


def _check_folders(
    path: str,
    samples: dict[str, int],
    folder_labels: Callable[[list[str]], dict[str, int]],
) -> None:
    folders = {name: osp.basename(osp.dirname(name)) for name in samples}
    labels = {}
    for folder in set(folders.values()):
        try:
            labels.update(folder_labels([folder]))
        except ValueError:
            # No class folder: nothing to compare with.
            continue
    for name, label in samples.items():
        expected = labels.get(folders[name], label)
        if label != expected:
            raise ValueError(
                f'{path} labels {name} {label}, but the class of its folder '
                f'is {expected}. Class indices are ranks of the WordNet ids, '
                "from 0; the devkit's ids are others"
            )
