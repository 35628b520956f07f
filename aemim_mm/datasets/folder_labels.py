# Copyright (c) aemim_mm contributors. All rights reserved.
"""From names of class folders to class indices, never by their order."""

import re
from collections.abc import Iterable, Sequence

from .label_spaces import synset_to_index

_PATTERNS = {
    'wnid': re.compile(r'n[0-9]{8}'),
    'integer': re.compile(r'[0-9]{1,3}'),
}


def imagenet_labels(folders: Iterable[str], root: str) -> dict[str, int]:
    """Map folders to class indices of ImageNet-1K.

    A folder bears a WordNet id (``n01440764``), or, as those of
    ImageNet-V2, the class index itself (``0`` to ``999``).

    Args:
        folders (Iterable[str]): Names of the folders that hold images.
        root (str): The folder they lie in, for messages.

    Returns:
        dict[str, int]: The class index of every folder.

    Raises:
        ValueError: If a name fits neither layout, if layouts are mixed, an id
            is not one of ImageNet-1K's, or two folders mean the same class.
    """
    found = {}
    for name in sorted(folders):
        found.setdefault(_kind(name, root), name)
    if len(found) > 1:
        raise ValueError(
            f'{root} mixes two layouts: {" and ".join(found.values())}. Class '
            'folders are all WordNet ids, or all class indices'
        )
    if 'integer' in found:
        return _distinct({name: int(name) for name in folders}, root)
    return {name: _synset(name, root) for name in folders}


def class_labels(
    folders: Iterable[str], root: str, classes: Sequence[str], class_file: str
) -> dict[str, int]:
    """Map folders to their positions in a list of classes.

    Args:
        folders (Iterable[str]): Names of the folders that hold images.
        root (str): The folder they lie in, for messages.
        classes (Sequence[str]): Folder names, in label order.
        class_file (str): Where they stand, for messages.

    Returns:
        dict[str, int]: The label of every folder.

    Raises:
        ValueError: If a folder is not in the list.
    """
    positions = {name: i for i, name in enumerate(classes)}
    for name in folders:
        if name not in positions:
            raise ValueError(
                f'{root}: the folder {name} holds images, but is not one of '
                f'the {len(classes)} classes in {class_file}'
            )
    return {name: positions[name] for name in folders}


def _kind(name: str, root: str) -> str:
    for kind, pattern in _PATTERNS.items():
        if pattern.fullmatch(name):
            return kind
    raise ValueError(
        f'{root}: the folder {name} holds images, but its name is neither a '
        'WordNet id (n and 8 digits) nor a class index (0 to 999). Give the '
        'folder that holds the class folders; for another label space, name '
        'its folders in a class file'
    )


def _synset(name: str, root: str) -> int:
    if name not in synset_to_index():
        raise ValueError(
            f'{root}: {name} is not one of the 1000 classes of ImageNet-1K'
        )
    return synset_to_index()[name]


def _distinct(labels: dict[str, int], root: str) -> dict[str, int]:
    seen = {}
    for name, label in labels.items():
        if label in seen:
            raise ValueError(
                f'{root}: {seen[label]} and {name} mean the same class'
            )
        seen[label] = name
    return labels
